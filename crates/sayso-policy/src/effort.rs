//! The bound on work: how much one condition may look at before it gives up as unknown.

/// The steps that are left: one per value held against a pattern, one per character that a `*` has
/// to search through.
///
/// Every condition gets its own, so that no rule can use up what another needs: the order of rules
/// would matter otherwise.
#[derive(Debug)]
pub(crate) struct Effort(u32);

impl Effort {
    /// What one condition gets: enough for a list of 10,000. A hundred conditions that all use it
    /// up take a few milliseconds.
    pub(crate) const CONDITION: u32 = 10_000;

    /// For one condition.
    pub(crate) fn for_condition() -> Self {
        Self(Self::CONDITION)
    }

    /// For a name, whose length is bounded already.
    pub(crate) fn for_name() -> Self {
        Self(u32::MAX)
    }

    /// Whether no step is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.0 == 0
    }

    /// Takes one step; false when none was left.
    #[must_use]
    pub(crate) fn step(&mut self) -> bool {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}
