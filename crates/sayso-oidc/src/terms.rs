//! What a provider's groups make of people here.

use std::collections::BTreeMap;

use sayso_core::credential::Role;
use sayso_core::{GroupName, ReviewerName};
use serde::Deserialize;

use crate::claims::Identity;

/// Which of the provider's groups give which roles, and which of our groups.
///
/// Nobody gets a role that no group of theirs is named for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    roles: BTreeMap<Role, Vec<String>>,
    groups: BTreeMap<GroupName, Vec<String>>,
}

/// What a person is here by the provider's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// What they would be called, if they are new; none of what the provider calls them may be a
    /// name here, if none.
    pub name: Option<ReviewerName>,
    /// What they may do; nothing, if none of their groups gives a role.
    pub roles: Vec<Role>,
    /// The groups that they are in.
    pub groups: Vec<GroupName>,
}

impl Terms {
    /// From what each role and each group of ours is given to.
    pub fn new(
        roles: BTreeMap<Role, Vec<String>>,
        groups: BTreeMap<GroupName, Vec<String>>,
    ) -> Self {
        Self { roles, groups }
    }

    /// Whether anybody is given a role.
    pub(crate) fn admit_nobody(&self) -> bool {
        self.roles.values().all(Vec::is_empty)
    }

    /// What these make of somebody. In a fixed order, so that the same groups make the same.
    pub fn admit(&self, identity: &Identity) -> Admission {
        let has = |given: &[String]| given.iter().any(|group| identity.groups.contains(group));
        let roles = self.roles.iter().filter(|(_, given)| has(given)).map(|(role, _)| *role);
        let groups = self.groups.iter().filter(|(_, given)| has(given));
        Admission {
            name: identity.names.iter().find_map(|name| name.parse().ok()),
            roles: roles.collect(),
            groups: groups.map(|(group, _)| group.clone()).collect(),
        }
    }
}

/// As it stands in a file: of each role or group of ours, the provider's groups that give it.
#[derive(Debug, Deserialize)]
#[serde(transparent, bound(deserialize = "K: Deserialize<'de>"))]
pub(crate) struct Given<K: Ord>(BTreeMap<K, OneOrMore>);

impl<K: Ord> Default for Given<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Given<K> {
    pub(crate) fn into_map(self) -> BTreeMap<K, Vec<String>> {
        self.0.into_iter().map(|(key, given)| (key, given.0)).collect()
    }
}

/// A list of groups, or one.
#[derive(Debug)]
pub(crate) struct OneOrMore(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a group of the provider's, or a list of them")
            }

            fn visit_str<E>(self, text: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore(vec![text.to_owned()]))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<OneOrMore, A::Error> {
                let mut groups = Vec::new();
                while let Some(group) = seq.next_element()? {
                    groups.push(group);
                }
                Ok(OneOrMore(groups))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;

    fn identity(groups: &[&str], names: &[&str]) -> Identity {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Identity {
            issuer: "https://id.example".into(),
            subject: "1".into(),
            names: texts(names),
            groups: texts(groups),
        }
    }

    fn terms() -> Terms {
        let roles = [
            (Role::Reviewer, vec!["approvers".to_owned(), "leads".to_owned()]),
            (Role::Auditor, vec!["audit".to_owned()]),
        ];
        let groups = [("leads".parse().unwrap(), vec!["leads".to_owned()])];
        Terms::new(roles.into(), groups.into())
    }

    #[test]
    fn any_of_the_named_groups_gives_a_role_and_others_give_none() {
        let admitted = terms().admit(&identity(&["leads", "audit", "staff"], &["ana"]));
        assert_eq!(admitted.roles, [Role::Reviewer, Role::Auditor]);
        assert_eq!(admitted.groups, ["leads".parse().unwrap()]);
        let none = terms().admit(&identity(&["staff", "owner", "reviewer", "Leads"], &["ana"]));
        assert_eq!((none.roles, none.groups), (vec![], vec![]));
    }

    #[test]
    fn nobody_is_an_owner_unless_a_group_is_named_for_it() {
        let admitted = terms().admit(&identity(&["approvers", "leads", "audit"], &["ana"]));
        assert!(!admitted.roles.contains(&Role::Owner));
    }

    #[test]
    fn the_first_name_that_may_be_one_here_is_taken() {
        let named = |names: &[&str]| terms().admit(&identity(&[], names)).name;
        assert_eq!(named(&["Ana María", "ana@example.com"]), "ana@example.com".parse().ok());
        assert_eq!(named(&["ana", "ana@example.com"]), "ana".parse().ok());
        assert_eq!(named(&["а́на", "auth0|7"]), None);
    }
}
