//! What a token is good for, of what its person may do.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::credential::Role;

/// One thing that a token is good for. Every token reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read what its person may read.
    Read,
    /// Decide, and halt.
    Decide,
    /// Change the policy.
    Policy,
    /// Add and remove people, agents and keys.
    Administer,
}

impl Scope {
    /// Every scope there is: all that a person may do.
    pub const ALL: [Self; 4] = [Self::Read, Self::Decide, Self::Policy, Self::Administer];

    /// The scope's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Decide => "decide",
            Self::Policy => "policy",
            Self::Administer => "administer",
        }
    }

    /// The role that it lets its holder use. Whoever has any role may read.
    fn role(self) -> Role {
        match self {
            Self::Read => Role::Auditor,
            Self::Decide => Role::Reviewer,
            Self::Policy => Role::PolicyAdmin,
            Self::Administer => Role::Owner,
        }
    }

    /// What is left of a person's roles within these scopes.
    pub(super) fn limit(scopes: &[Self], roles: &[Role]) -> Vec<Role> {
        let mut left: Vec<_> = roles
            .iter()
            .copied()
            .filter(|role| *role == Role::Auditor || scopes.iter().any(|it| it.role() == *role))
            .collect();
        if left.is_empty() && !roles.is_empty() {
            left.push(Role::Auditor);
        }
        left
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.word() == text)
            .ok_or_else(|| "a scope is \"read\", \"decide\", \"policy\" or \"administer\"".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_adds_no_role() {
        for roles in [&[Role::Reviewer][..], &[Role::Auditor], &[Role::Owner, Role::Reviewer]] {
            let left = Scope::limit(&Scope::ALL, roles);
            assert_eq!(left, roles);
        }
        assert_eq!(Scope::limit(&Scope::ALL, &[]), []);
    }

    #[test]
    fn a_token_that_only_reads_leaves_its_person_a_reader() {
        let roles = [Role::Reviewer, Role::Owner];
        assert_eq!(Scope::limit(&[Scope::Read], &roles), [Role::Auditor]);
        assert_eq!(Scope::limit(&[Scope::Decide], &roles), [Role::Reviewer]);
        assert_eq!(Scope::limit(&[Scope::Policy], &roles), [Role::Auditor]);
    }
}
