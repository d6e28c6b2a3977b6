//! How urgent a ticket is, as the desk at Blip says.

/// How urgent a ticket is, in the five levels of Blip's priority rules, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// No rule has raised it.
    #[default]
    None,
    /// Below the usual, but above none.
    Low,
    /// The usual one among those that a rule gives.
    Medium,
    /// More urgent than the usual.
    High,
    /// More urgent than all others.
    Maximum,
}

/// Blip's number for each level (`blip.md`, additions §0, 159), the highest first.
const LEVELS: [(i64, Priority); 4] = [
    (4000, Priority::Maximum),
    (3000, Priority::High),
    (2000, Priority::Medium),
    (1000, Priority::Low),
];

impl Priority {
    /// The level of a number of Blip's; one between two levels counts as the lower one, so that the
    /// small numbers of the field are none.
    pub(crate) fn from_number(number: i64) -> Self {
        LEVELS.iter().find(|(least, _)| number >= *least).map_or(Self::None, |(_, level)| *level)
    }

    /// Blip's number for the level: what is stored of it.
    pub(crate) fn to_number(self) -> i64 {
        LEVELS.iter().find(|(_, level)| *level == self).map_or(0, |(number, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_between_two_levels_is_the_lower_one() {
        for (number, level) in [
            (-1, Priority::None),
            (0, Priority::None),
            (7, Priority::None),
            (999, Priority::None),
            (1000, Priority::Low),
            (1999, Priority::Low),
            (2000, Priority::Medium),
            (3500, Priority::High),
            (4000, Priority::Maximum),
            (i64::MAX, Priority::Maximum),
        ] {
            assert_eq!(Priority::from_number(number), level, "{number}");
            assert_eq!(Priority::from_number(level.to_number()), level, "{number}");
        }
    }
}
