//! The bound on work: how much one condition may look at before it gives up as unknown.

/// The steps that are left: one per value held against a pattern, one per character that a `*` has
/// to search through, one per four bytes that a regular expression reads.
///
/// Every condition gets its own, so that no rule can use up what another needs: the order of rules
/// would matter otherwise. More conditions leave less for each, which can only make a verdict
/// stricter.
#[derive(Debug)]
pub(crate) struct Effort(u32);

impl Effort {
    /// The most that one condition gets: enough for a list of 10,000.
    pub(crate) const CONDITION: u32 = 10_000;
    /// What all conditions that are looked at for one action get together: well below a
    /// millisecond.
    pub(crate) const TOGETHER: u32 = 100_000;

    /// For each of so many conditions.
    pub(crate) fn share_of(conditions: usize) -> Self {
        let conditions = u32::try_from(conditions).unwrap_or(u32::MAX).max(1);
        Self((Self::TOGETHER / conditions).clamp(1, Self::CONDITION))
    }

    /// For a name, whose length is bounded already.
    pub(crate) fn for_name() -> Self {
        Self(u32::MAX)
    }

    /// As much again as this was given.
    pub(crate) fn again(&self) -> Self {
        Self(self.0)
    }

    /// Whether no step is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.0 == 0
    }

    /// Takes one step; false when none was left.
    #[must_use]
    pub(crate) fn step(&mut self) -> bool {
        self.steps(1)
    }

    /// Takes so many steps; false, and spent, when fewer were left.
    #[must_use]
    pub(crate) fn steps(&mut self, count: usize) -> bool {
        match u32::try_from(count).ok().and_then(|count| self.0.checked_sub(count)) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => {
                self.0 = 0;
                false
            }
        }
    }
}
