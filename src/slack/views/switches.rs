//! What people switch on and off for themselves, as their home tab shows it.

use jiff::Timestamp;
use slack_morphism::blocks::{
    SlackBlock, SlackBlockCheckboxesElement, SlackBlockChoiceItem, SlackBlockPlainText,
    SlackBlockText,
};

use super::blocks::{actions_block, plain_text};
use super::card::format_slack_date;
use super::ids::SWITCHES_ACTION_ID;
use crate::locale::Texts;
use crate::model::PersonalSwitch;

/// What the reader has set for themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnSwitches {
    /// Since when they take a break, if they do.
    pub paused_since: Option<Timestamp>,
    /// Whether they are told by direct message what waits while they are away.
    pub wants_messages: bool,
}

impl OwnSwitches {
    fn is_on(&self, switch: PersonalSwitch) -> bool {
        match switch {
            PersonalSwitch::Pause => self.paused_since.is_some(),
            PersonalSwitch::DirectMessages => self.wants_messages,
        }
    }
}

/// The switches to tick: unlike a button that turns into its opposite, a box ticked twice by a double
/// click is where it was before, and shows it.
pub(super) fn build_switches(own: &OwnSwitches, texts: &Texts) -> SlackBlock {
    let option = |switch: PersonalSwitch| {
        let (label, description) = match switch {
            PersonalSwitch::Pause => ("switch-pause", "switch-pause-about"),
            PersonalSwitch::DirectMessages => ("switch-messages", "switch-messages-about"),
        };
        let label = SlackBlockPlainText::new(texts.text(label, &[])).with_emoji(false);
        SlackBlockChoiceItem::new(SlackBlockText::from(label), switch.name().to_owned())
            .with_description(plain_text(&texts.text(description, &[])))
    };
    let on: Vec<_> =
        PersonalSwitch::ALL.into_iter().filter(|switch| own.is_on(*switch)).map(option).collect();
    let element = SlackBlockCheckboxesElement::new(PersonalSwitch::ALL.map(option).to_vec())
        .with_action_id(SWITCHES_ACTION_ID.into());
    // Slack refuses an empty list of what is ticked.
    let element = if on.is_empty() { element } else { element.with_initial_options(on) };
    actions_block(vec![element.into()])
}

/// That the reader takes a break, and since when.
pub(super) fn describe_pause(own: &OwnSwitches, texts: &Texts) -> Option<String> {
    let since = format_slack_date(own.paused_since?, texts);
    Some(texts.text("pause-since", &[("time", &since)]))
}
