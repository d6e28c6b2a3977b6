//! What people set for themselves.

/// Something that each person can switch on and off for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonalSwitch {
    /// They take a break: no ticket is given to them.
    Pause,
    /// They are told by direct message that a customer of theirs waits while they are away.
    DirectMessages,
}

impl PersonalSwitch {
    pub(crate) const ALL: [Self; 2] = [Self::Pause, Self::DirectMessages];

    /// The word that the store keeps. A format: only add.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::DirectMessages => "direct_messages",
        }
    }
}
