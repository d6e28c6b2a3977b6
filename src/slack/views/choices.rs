//! What people choose from in a list.

use slack_morphism::blocks::{
    SlackBlockChoiceItem, SlackBlockOptionGroup, SlackBlockPlainTextOnly,
};
use slack_morphism::events::{
    SlackBlockSuggestionOptionGroups, SlackBlockSuggestionOptions, SlackBlockSuggestionResponse,
};

use super::blocks::plain_text;
use super::ids::write_destination;
use crate::model::TransferTarget;
use crate::model::fold::fold_text;
use crate::model::text::truncate_label;

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub(crate) label: String,
    /// What comes back when it is chosen.
    pub(crate) value: String,
    /// What tells it from others with the same label.
    pub(crate) description: Option<String>,
    /// By what it is found besides its label.
    pub(crate) search_text: Option<String>,
}

/// An entry of a list as Slack wants it.
pub(super) type SelectOption = SlackBlockChoiceItem<SlackBlockPlainTextOnly>;

/// Longest label or description of an option (Block Kit: option).
const LABEL_CHARS: usize = 75;
/// Longest value of an option (Block Kit: option).
const VALUE_CHARS: usize = 150;
/// Most options in one answer (Block Kit: external select).
const MAX_OPTIONS: usize = 100;

impl Choice {
    /// A choice that comes back as it reads.
    pub fn from_text(text: &str) -> Self {
        Self::new(text, text.to_owned())
    }

    /// A team to which a ticket may be handed on.
    pub(crate) fn for_team(name: &str, description: Option<String>) -> Self {
        let value = write_destination(&TransferTarget::Team(name.to_owned()));
        Self { description, ..Self::new(name, value) }
    }

    /// An agent to whom a ticket may be handed on: several may have the same name.
    pub(crate) fn for_agent(
        (identity, name): (&str, &str),
        (presence, email): (Option<String>, Option<&str>),
        teams: &[String],
    ) -> Self {
        let target = |name: String| {
            write_destination(&TransferTarget::Agent { identity: identity.to_owned(), name })
        };
        // The identity must come back whole, as Blip is given it; the name is only for our own
        // lines.
        let room = VALUE_CHARS.saturating_sub(target(String::new()).chars().count());
        let short: String = name.chars().take(room).collect();
        let teams = teams.join(", ");
        let known =
            [presence.as_deref(), email.filter(|email| *email != name), Some(teams.as_str())];
        let known = known.into_iter().flatten().filter(|known| !known.is_empty());
        let description = known.collect::<Vec<_>>().join(" · ");
        Self {
            description: Some(description).filter(|description| !description.is_empty()),
            search_text: email.map(str::to_owned),
            ..Self::new(name, target(short))
        }
    }

    /// A choice that is known by its label alone.
    pub(crate) fn new(label: &str, value: String) -> Self {
        Self { label: label.to_owned(), value, description: None, search_text: None }
    }

    /// As Slack wants it; `None` if it cannot be chosen, because its value is too long or empty.
    pub(super) fn to_option(&self) -> Option<SelectOption> {
        // One option that Slack does not take makes it refuse the whole answer.
        let fits = (1..=VALUE_CHARS).contains(&self.value.chars().count());
        let text = |text: &str| plain_text(&truncate_label(text.trim(), LABEL_CHARS));
        (fits && !self.label.trim().is_empty()).then(|| {
            SlackBlockChoiceItem::new(text(&self.label), self.value.clone())
                .opt_description(self.description.as_deref().map(text))
        })
    }
}

/// The answer to a search in a list: those choices that hold what was typed, in groups with a title.
pub fn build_options(
    groups: &[(String, Vec<Choice>)],
    query: &str,
) -> SlackBlockSuggestionResponse {
    let query = fold_text(query.trim());
    let has = |text: &String| fold_text(text).contains(&query);
    let fits =
        |choice: &&Choice| has(&choice.label) || choice.search_text.as_ref().is_some_and(has);
    let found = |choices: &[Choice]| -> Vec<SelectOption> {
        // Searched before it is cut: in a list of thousands everything can be found by typing
        // (`every_team_and_agent_of_a_large_desk_can_be_found`).
        choices.iter().filter(fits).filter_map(Choice::to_option).take(MAX_OPTIONS).collect()
    };
    let ungrouped =
        |options| SlackBlockSuggestionResponse::Options(SlackBlockSuggestionOptions::new(options));
    // A title above a single group says nothing.
    if let [(_, only)] = groups {
        return ungrouped(found(only));
    }
    let groups = groups.iter().filter_map(|(title, choices)| {
        let options = found(choices);
        (!options.is_empty()).then(|| SlackBlockOptionGroup::new(title.as_str().into(), options))
    });
    let groups: Vec<SlackBlockOptionGroup<_>> = groups.collect();
    if groups.is_empty() {
        return ungrouped(Vec::new());
    }
    SlackBlockSuggestionResponse::OptionGroups(SlackBlockSuggestionOptionGroups::new(groups))
}
