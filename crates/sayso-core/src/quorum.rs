//! How many people must approve, and from which groups.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use crate::name::{GroupName, ReviewerName};

/// The people whom a "yes" takes: so many distinct ones, among them so many of each named group.
///
/// One person fills one slot: whoever is in two groups counts for one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needed {
    people: NonZeroU8,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    groups: BTreeMap<GroupName, NonZeroU8>,
}

impl Needed {
    /// One person, whoever it is.
    pub const ONE: Self = Self { people: NonZeroU8::MIN, groups: BTreeMap::new() };

    /// So many people, whoever they are.
    pub const fn people(people: NonZeroU8) -> Self {
        Self { people, groups: BTreeMap::new() }
    }

    /// So many people in all, among them so many of each group. There are at least as many people
    /// as there are slots of groups.
    pub fn of_groups(people: NonZeroU8, groups: BTreeMap<GroupName, NonZeroU8>) -> Self {
        let slots = groups.values().fold(0_u8, |sum, slots| sum.saturating_add(slots.get()));
        Self { people: people.max(NonZeroU8::new(slots).unwrap_or(NonZeroU8::MIN)), groups }
    }

    /// How many people in all.
    pub fn in_all(&self) -> NonZeroU8 {
        self.people
    }

    /// How many of each named group.
    pub fn groups(&self) -> &BTreeMap<GroupName, NonZeroU8> {
        &self.groups
    }

    /// What satisfies both: the most people, and of each group the most.
    #[must_use]
    pub fn both(&self, other: &Self) -> Self {
        let mut groups = self.groups.clone();
        for (group, slots) in &other.groups {
            let known = groups.entry(group.clone()).or_insert(*slots);
            *known = (*known).max(*slots);
        }
        Self::of_groups(self.people.max(other.people), groups)
    }

    /// Whether whoever satisfies this satisfies the other, too.
    pub fn covers(&self, other: &Self) -> bool {
        self.both(other) == *self
    }

    /// Whether these people are enough.
    pub fn is_met_by(&self, people: &[Approver<'_>]) -> bool {
        let mut names: Vec<_> = people.iter().map(|person| person.name).collect();
        names.sort();
        names.dedup();
        names.len() >= usize::from(self.people.get()) && self.slots_are_filled_by(people)
    }

    /// Whether each slot of a group can have a person of its own: a matching, grown along
    /// augmenting paths. There are few people and few slots.
    fn slots_are_filled_by(&self, people: &[Approver<'_>]) -> bool {
        let slots: Vec<_> = self
            .groups
            .iter()
            .flat_map(|(group, slots)| std::iter::repeat_n(group, usize::from(slots.get())))
            .collect();
        let mut filled: Vec<Option<&ReviewerName>> = vec![None; slots.len()];
        (0..slots.len()).all(|slot| {
            let mut tried = Vec::new();
            fill(slot, &slots, people, &mut filled, &mut tried)
        })
    }
}

/// Finds somebody for a slot, moving others to other slots of theirs where that helps.
fn fill<'p>(
    slot: usize,
    slots: &[&GroupName],
    people: &[Approver<'p>],
    filled: &mut [Option<&'p ReviewerName>],
    tried: &mut Vec<&'p ReviewerName>,
) -> bool {
    for person in people.iter().filter(|person| person.groups.contains(slots[slot])) {
        if tried.contains(&person.name) {
            continue;
        }
        tried.push(person.name);
        let sits = filled.iter().position(|taken| *taken == Some(person.name));
        if sits.is_none_or(|other| fill(other, slots, people, filled, tried)) {
            filled[slot] = Some(person.name);
            return true;
        }
    }
    false
}

/// Somebody who approved, and which groups they were in.
#[derive(Clone, Copy, Debug)]
pub struct Approver<'a> {
    /// Who.
    pub name: &'a ReviewerName,
    /// Which groups.
    pub groups: &'a [GroupName],
}

impl fmt::Display for Needed {
    /// As it is written in a policy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() {
            return write!(f, "{}", self.people);
        }
        let slots: u32 = self.groups.values().map(|slots| u32::from(slots.get())).sum();
        let mut parts: Vec<_> =
            self.groups.iter().map(|(group, slots)| format!("{group} = {slots}")).collect();
        if u32::from(self.people.get()) > slots {
            parts.insert(0, format!("people = {}", self.people));
        }
        write!(f, "{{ {} }}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u8) -> NonZeroU8 {
        NonZeroU8::new(number).unwrap()
    }

    fn group(name: &str) -> GroupName {
        GroupName::new(name).unwrap()
    }

    fn needed(people: u8, groups: &[(&str, u8)]) -> Needed {
        let groups = groups.iter().map(|(name, slots)| (group(name), number(*slots))).collect();
        Needed::of_groups(number(people), groups)
    }

    fn is_met(needed: &Needed, people: &[(&str, &[&str])]) -> bool {
        let people: Vec<_> = people
            .iter()
            .map(|(name, groups)| {
                let groups: Vec<_> = groups.iter().map(|name| group(name)).collect();
                (ReviewerName::new(name).unwrap(), groups)
            })
            .collect();
        let people: Vec<_> =
            people.iter().map(|(name, groups)| Approver { name, groups }).collect();
        needed.is_met_by(&people)
    }

    #[test]
    fn one_person_fills_one_slot() {
        let both = needed(1, &[("leads", 1), ("security", 1)]);
        assert!(!is_met(&both, &[("ana", &["leads", "security"])]));
        assert!(is_met(&both, &[("ana", &["leads", "security"]), ("bo", &["leads"])]));
        assert!(is_met(&both, &[("ana", &["leads"]), ("bo", &["leads", "security"])]));
        assert!(!is_met(&both, &[("ana", &["leads"]), ("bo", &["leads"])]));
        assert!(!is_met(&both, &[("ana", &["leads", "security"]), ("ana", &["leads"])]));
    }

    #[test]
    fn somebody_is_moved_to_another_slot_of_theirs_where_that_helps() {
        let three = needed(1, &[("a", 1), ("b", 1), ("c", 1)]);
        let people: [(&str, &[&str]); 3] = [("x", &["a", "b"]), ("y", &["a"]), ("z", &["b", "c"])];
        assert!(is_met(&three, &people));
        let people: [(&str, &[&str]); 3] = [("x", &["a", "b"]), ("y", &["a"]), ("z", &["b"])];
        assert!(!is_met(&three, &people));
    }

    #[test]
    fn more_people_than_slots_may_be_of_any_group() {
        let three = needed(3, &[("security", 1)]);
        assert_eq!(three.to_string(), "{ people = 3, security = 1 }");
        assert!(!is_met(&three, &[("ana", &["security"]), ("bo", &[])]));
        assert!(is_met(&three, &[("ana", &["security"]), ("bo", &[]), ("cy", &[])]));
    }

    #[test]
    fn what_satisfies_both_covers_each() {
        let (one, other) = (needed(3, &[("a", 1)]), needed(1, &[("a", 2), ("b", 1)]));
        let both = one.both(&other);
        assert_eq!(both.to_string(), "{ a = 2, b = 1 }");
        assert!(both.covers(&one) && both.covers(&other));
        assert!(!one.covers(&other) && !other.covers(&needed(4, &[])));
    }
}
