//! Which limits of the desk's service levels a ticket has passed, as Blip finds.

/// The limits of the desk's service levels that a ticket has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PassedLimits {
    /// It waited too long to be claimed.
    pub waiting: bool,
    /// It waited too long for the first answer.
    pub first_answer: bool,
    /// It is open for too long.
    pub attendance: bool,
}

impl PassedLimits {
    /// What is stored of it: a format.
    pub(crate) fn to_bits(self) -> i64 {
        i64::from(self.waiting)
            | (i64::from(self.first_answer) << 1)
            | (i64::from(self.attendance) << 2)
    }

    /// Reads what was stored.
    pub(crate) fn from_bits(bits: i64) -> Self {
        Self { waiting: bits & 1 != 0, first_answer: bits & 2 != 0, attendance: bits & 4 != 0 }
    }

    /// Those of both: a limit that was passed stays so.
    pub(crate) fn with(self, other: Self) -> Self {
        Self::from_bits(self.to_bits() | other.to_bits())
    }
}
