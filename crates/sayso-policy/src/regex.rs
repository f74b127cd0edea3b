//! Regular expressions, compiled to automata that read each byte once, whatever stands in a text.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use regex_automata::Input;
use regex_automata::dfa::{Automaton, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;

use crate::effort::Effort;
use crate::truth::Truth;

/// The longest expression, in bytes.
const LONGEST: usize = 512;
/// The largest automaton, in bytes.
const LARGEST: usize = 1 << 18;
/// The most states that are looked at for a sample.
const MOST_STATES: usize = 20_000;
/// Bytes of text that are read for one step of effort.
const BYTES_A_STEP: usize = 4;

/// A compiled expression. It matches anywhere in a text, unless it is anchored by `^` and `$`.
#[derive(Clone)]
pub(crate) struct Regex {
    text: Box<str>,
    automaton: Arc<dense::DFA<Vec<u32>>>,
}

/// An expression that can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadRegex {
    /// Too many characters.
    #[error("the expression is longer than {LONGEST} bytes")]
    TooLong,
    /// Not an expression, or its automaton would be too large.
    #[error("{0}")]
    Refused(String),
}

impl Regex {
    pub(crate) fn new(text: &str) -> Result<Self, BadRegex> {
        if text.len() > LONGEST {
            return Err(BadRegex::TooLong);
        }
        let parse = syntax::Config::new();
        // Looked at by itself first: what it says of a mistake is in words for people.
        syntax::parse_with(text, &parse).map_err(|error| {
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default();
            BadRegex::Refused(last.trim_start_matches("error: ").to_owned())
        })?;
        let thompson = thompson::Config::new()
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(LARGEST));
        let limits = dense::Config::new()
            .dfa_size_limit(Some(LARGEST))
            .determinize_size_limit(Some(2 * LARGEST))
            // It stops at a character beyond ASCII, and then it can't be told whether it matches.
            .unicode_word_boundary(true);
        let built =
            dense::Builder::new().syntax(parse).thompson(thompson).configure(limits).build(text);
        let automaton = built.map_err(|_| {
            BadRegex::Refused("the expression stands for an automaton that is too large".into())
        })?;
        Ok(Self { text: text.into(), automaton: Arc::new(automaton) })
    }

    /// A shortest text that it matches, of printable ASCII; none, if there is none or it would take
    /// long to find.
    pub(crate) fn sample(&self) -> Option<String> {
        let start = self.automaton.start_state_forward(&Input::new("")).ok()?;
        let mut seen = HashSet::from([start]);
        let mut reached = VecDeque::from([(start, String::new())]);
        while let Some((state, text)) = reached.pop_front() {
            if self.automaton.is_match_state(self.automaton.next_eoi_state(state)) {
                return Some(text);
            }
            for byte in b' '..=b'~' {
                let next = self.automaton.next_state(state, byte);
                if self.automaton.is_dead_state(next) || seen.len() > MOST_STATES {
                    continue;
                }
                if seen.insert(next) {
                    reached.push_back((next, format!("{text}{}", char::from(byte))));
                }
            }
        }
        None
    }

    /// How many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        self.automaton.memory_usage()
    }

    /// Whether it matches somewhere in `text`; unknown when the effort runs out.
    pub(crate) fn test(&self, text: &str, effort: &mut Effort) -> Truth {
        if !effort.steps(text.len() / BYTES_A_STEP + 1) {
            return Truth::Unknown;
        }
        let found = self.automaton.try_search_fwd(&Input::new(text).earliest(true));
        found.map_or(Truth::Unknown, |found| found.is_some().into())
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regex").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(regex: &str, text: &str) -> Truth {
        Regex::new(regex).unwrap().test(text, &mut Effort::for_name())
    }

    #[test]
    fn it_matches_anywhere_unless_it_is_anchored() {
        assert_eq!(test("rm +-r", "sudo rm  -rf /"), Truth::Yes);
        assert_eq!(test("^rm", "sudo rm"), Truth::No);
        assert_eq!(test("(?i)^DROP", "drop table"), Truth::Yes);
        assert_eq!(test(r"^\p{Lu}", "Äh"), Truth::Yes);
    }

    #[test]
    fn a_sample_matches() {
        for regex in ["rm +-r", "^rm$", r"^\d{3}-[a-f]+$", "(?i)drop", "^$", r"\brm\b", "x*"] {
            let sample = Regex::new(regex).unwrap().sample().unwrap();
            assert_eq!(test(regex, &sample), Truth::Yes, "{regex}: {sample:?}");
        }
        assert_eq!(Regex::new("^é$").unwrap().sample(), None);
    }

    #[test]
    fn a_word_boundary_beyond_ascii_is_unknown_and_not_wrong() {
        assert_eq!(test(r"\brm\b", "sudo rm x"), Truth::Yes);
        assert_eq!(test(r"\brm\b", "sudo form"), Truth::No);
        assert_eq!(test(r"\brm\b", "é rm"), Truth::Unknown);
    }

    #[test]
    fn what_is_too_large_is_refused_and_what_is_too_long_to_read_is_unknown() {
        let refused = |text: &str| Regex::new(text).unwrap_err().to_string();
        assert!(refused("(a|b)*a(a|b){20}").contains("too large"));
        assert!(refused("(x{100}){100}{100}").contains("too large"));
        assert!(refused("a(b").contains("unclosed group"));
        assert!(refused(&"a".repeat(513)).contains("longer than 512"));
        let regex = Regex::new("b").unwrap();
        assert_eq!(regex.test(&"a".repeat(1 << 20), &mut Effort::share_of(1)), Truth::Unknown);
    }
}
