//! Kleene's three-valued truth: what a condition says when it can't be evaluated.

/// Whether something holds, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    /// It doesn't.
    No,
    /// It can't be told: wrong type, or too much to look at.
    Unknown,
    /// It does.
    Yes,
}

impl Truth {
    /// The opposite; the opposite of unknown is unknown.
    pub(crate) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }

    /// Whether all hold; yes for none at all. Stops at the first that doesn't.
    pub(crate) fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut least = Self::Yes;
        for truth in truths {
            least = least.min(truth);
            if least == Self::No {
                break;
            }
        }
        least
    }

    /// Whether one holds; no for none at all. Stops at the first that does.
    pub(crate) fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        Self::all(truths.into_iter().map(Self::not)).not()
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{No, Unknown, Yes};
    use super::*;

    #[test]
    fn the_unknown_gives_way_to_what_decides() {
        assert_eq!(Truth::all([Yes, Unknown]), Unknown);
        assert_eq!(Truth::all([Unknown, No]), No);
        assert_eq!(Truth::any([No, Unknown]), Unknown);
        assert_eq!(Truth::any([Unknown, Yes]), Yes);
        assert_eq!((Truth::all([]), Truth::any([])), (Yes, No));
    }
}
