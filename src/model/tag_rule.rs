//! Whether a ticket must have a tag before it is closed.

/// Who decides whether a ticket must have a tag before it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagRule {
    /// The desk at Blip, for each bot.
    Blip,
    /// It must, wherever there are tags to choose from.
    Always,
    /// It need not, whatever the desk at Blip wants.
    Never,
}

impl TagRule {
    /// Whether a tag is needed, given what the desk wants. Where there is none to choose, none is.
    pub(crate) fn is_tag_needed(self, desk_wants_one: bool, has_choice: bool) -> bool {
        has_choice
            && match self {
                Self::Blip => desk_wants_one,
                Self::Always => true,
                Self::Never => false,
            }
    }
}
