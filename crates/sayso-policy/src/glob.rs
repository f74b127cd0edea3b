//! Globs on names and strings: `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`; everything else is itself.
//!
//! Our own, not a path matcher's: `?` is one character (not a byte), `*` passes over anything
//! (there is no separator), no character escapes another (a star is `[*]`), and the work is counted.

use std::str::Chars;

use crate::effort::Effort;
use crate::truth::Truth;

/// The longest glob, in characters. Plain strings may be longer.
pub(crate) const LONGEST: usize = 256;
/// The most globs without braces that one glob with braces may stand for.
pub(crate) const MOST_CHOICES: usize = 64;

/// A compiled glob, or a plain string.
#[derive(Clone, Debug)]
pub(crate) struct Glob(Box<[Choice]>);

/// A glob that can't be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadGlob {
    /// `[` without `]`.
    #[error("\"[\" has no matching \"]\"")]
    OpenClass,
    /// `[z-a]`.
    #[error("the range {0:?} to {1:?} runs backwards")]
    BackwardRange(char, char),
    /// `{` without `}`.
    #[error("\"{{\" has no matching \"}}\"")]
    OpenBrace,
    /// Too many characters.
    #[error("the glob is longer than {LONGEST} characters")]
    TooLong,
    /// Braces that multiply.
    #[error("the glob's braces stand for more than {MOST_CHOICES} globs")]
    TooManyChoices,
}

/// A glob without braces: what it starts with, what a search must find, what it ends with. Most
/// globs have a plain start or end, and are decided by it without a search.
#[derive(Clone, Debug)]
struct Choice {
    start: Box<str>,
    middle: Box<[Token]>,
    end: Box<str>,
}

#[derive(Clone, Debug)]
enum Token {
    Plain(char),
    One,
    Many,
    Class { negated: bool, ranges: Box<[(char, char)]> },
}

/// A piece of a glob before its braces are multiplied out.
enum Piece {
    Token(Token),
    Braces(Vec<Vec<Piece>>),
}

/// Whether a string has the characters that make it a glob.
pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

impl Glob {
    /// Reads a glob; a string without glob characters matches itself only.
    pub(crate) fn new(text: &str) -> Result<Self, BadGlob> {
        if !is_glob(text) {
            let plain = Choice { start: text.into(), middle: Box::default(), end: Box::default() };
            return Ok(Self(Box::new([plain])));
        }
        if text.chars().nth(LONGEST).is_some() {
            return Err(BadGlob::TooLong);
        }
        let pieces = pieces(&mut text.chars(), false)?;
        Ok(Self(multiply(&pieces)?.into_iter().map(Choice::new).collect()))
    }

    /// How many characters of patterns it holds, multiplied out.
    pub(crate) fn size(&self) -> usize {
        self.0
            .iter()
            .map(|choice| choice.start.len() + choice.middle.len() + choice.end.len())
            .sum()
    }

    /// Whether it matches the whole of `text`; unknown when the effort runs out.
    pub(crate) fn test(&self, text: &str, effort: &mut Effort) -> Truth {
        match &*self.0 {
            [only] => only.test(text, effort),
            choices => Truth::any(choices.iter().map(|choice| choice.test(text, effort))),
        }
    }
}

impl Glob {
    /// Whether it stands for other texts than itself.
    pub(crate) fn is_wild(&self) -> bool {
        self.0.len() > 1 || self.0.iter().any(|choice| !choice.middle.is_empty())
    }

    /// Texts that it matches, with each of `fills` in the place of its stars.
    pub(crate) fn samples(&self, fills: &[&str]) -> Vec<String> {
        let of_choice = |choice: &Choice| -> Vec<String> {
            let of_fill = |fill: &&str| {
                let middle: String = choice.middle.iter().map(|token| token.sample(fill)).collect();
                format!("{}{middle}{}", choice.start, choice.end)
            };
            fills.iter().map(of_fill).collect()
        };
        self.0.iter().flat_map(of_choice).collect()
    }
}

impl Choice {
    fn new(tokens: Vec<Token>) -> Self {
        let plain = |token: &Token| match token {
            Token::Plain(c) => Some(*c),
            Token::One | Token::Many | Token::Class { .. } => None,
        };
        let start: String = tokens.iter().map_while(plain).collect();
        let first = start.chars().count();
        let end_count = tokens[first..].iter().rev().map_while(plain).count();
        let last = tokens.len() - end_count;
        let end = tokens[last..].iter().filter_map(plain).collect::<String>();
        let mut middle: Vec<Token> = tokens.into_iter().take(last).skip(first).collect();
        middle.dedup_by(|a, b| matches!((a, b), (Token::Many, Token::Many)));
        Self { start: start.into(), middle: middle.into(), end: end.into() }
    }

    fn test(&self, text: &str, effort: &mut Effort) -> Truth {
        if !effort.step() {
            return Truth::Unknown;
        }
        if self.middle.is_empty() {
            return (text == &*self.start).into();
        }
        // Comparing nothing with nothing is not free: some processors take longer for it than for
        // a whole search, and most globs have only one plain end.
        let mut rest = Some(text);
        if !self.start.is_empty() {
            rest = rest.and_then(|rest| rest.strip_prefix(&*self.start));
        }
        if !self.end.is_empty() {
            rest = rest.and_then(|rest| rest.strip_suffix(&*self.end));
        }
        rest.map_or(Truth::No, |rest| search(&self.middle, rest, effort))
    }
}

/// Greedy search: only the last star ever needs to take more, so the work is at most the length of
/// the text times that of the glob.
fn search(tokens: &[Token], text: &str, effort: &mut Effort) -> Truth {
    let (mut at, mut rest) = (0, text.chars());
    let mut last_star: Option<(usize, Chars<'_>)> = None;
    loop {
        if let [Token::Many] = &tokens[at..] {
            return Truth::Yes;
        }
        if !effort.step() {
            return Truth::Unknown;
        }
        match tokens.get(at) {
            Some(Token::Many) => {
                at += 1;
                last_star = Some((at, rest.clone()));
                continue;
            }
            Some(token) => match rest.clone().next() {
                Some(c) if token.takes(c) => {
                    rest.next();
                    at += 1;
                    continue;
                }
                Some(_) => {}
                // A star that took more would leave even less for the tokens that still want some.
                None => return Truth::No,
            },
            None if rest.as_str().is_empty() => return Truth::Yes,
            None => {}
        }
        match &mut last_star {
            Some((after, from)) => {
                from.next();
                (at, rest) = (*after, from.clone());
            }
            None => return Truth::No,
        }
    }
}

impl Token {
    /// A text that it matches.
    fn sample(&self, fill: &str) -> String {
        match self {
            Self::Plain(c) => c.to_string(),
            Self::One => "x".into(),
            Self::Many => fill.to_owned(),
            Self::Class { negated: false, ranges } => {
                ranges.first().map(|(low, _)| low.to_string()).unwrap_or_default()
            }
            Self::Class { .. } => {
                let other = ('a'..='z').chain('0'..='9').chain(' '..='~').find(|c| self.takes(*c));
                other.map(|c| c.to_string()).unwrap_or_default()
            }
        }
    }

    fn takes(&self, c: char) -> bool {
        match self {
            Self::Plain(own) => *own == c,
            Self::One | Self::Many => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// Reads up to the end, or inside braces up to the `,` or `}` that it leaves for the caller.
fn pieces(chars: &mut Chars<'_>, in_braces: bool) -> Result<Vec<Piece>, BadGlob> {
    let mut pieces = Vec::new();
    loop {
        let before = chars.clone();
        let Some(c) = chars.next() else { return Ok(pieces) };
        pieces.push(match c {
            ',' | '}' if in_braces => {
                *chars = before;
                return Ok(pieces);
            }
            '*' => Piece::Token(Token::Many),
            '?' => Piece::Token(Token::One),
            '[' => Piece::Token(class(chars)?),
            '{' => Piece::Braces(braces(chars)?),
            plain => Piece::Token(Token::Plain(plain)),
        });
    }
}

fn braces(chars: &mut Chars<'_>) -> Result<Vec<Vec<Piece>>, BadGlob> {
    let mut branches = Vec::new();
    loop {
        branches.push(pieces(chars, true)?);
        match chars.next() {
            Some(',') => {}
            Some(_) => return Ok(branches),
            None => return Err(BadGlob::OpenBrace),
        }
    }
}

fn class(chars: &mut Chars<'_>) -> Result<Token, BadGlob> {
    let negated = chars.as_str().starts_with(['!', '^']);
    if negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    loop {
        let low = chars.next().ok_or(BadGlob::OpenClass)?;
        // A bracket that comes first is one of the characters, as in every shell.
        if low == ']' && !ranges.is_empty() {
            return Ok(Token::Class { negated, ranges: ranges.into() });
        }
        let mut ahead = chars.clone();
        let high = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(high)) if high != ']' => {
                *chars = ahead;
                high
            }
            _ => low,
        };
        if high < low {
            return Err(BadGlob::BackwardRange(low, high));
        }
        ranges.push((low, high));
    }
}

/// Every way to choose one branch of each pair of braces.
fn multiply(pieces: &[Piece]) -> Result<Vec<Vec<Token>>, BadGlob> {
    let mut choices = vec![Vec::new()];
    for piece in pieces {
        match piece {
            Piece::Token(token) => {
                for choice in &mut choices {
                    choice.push(token.clone());
                }
            }
            Piece::Braces(branches) => {
                let mut endings = Vec::new();
                for branch in branches {
                    endings.extend(multiply(branch)?);
                    if endings.len() * choices.len() > MOST_CHOICES {
                        return Err(BadGlob::TooManyChoices);
                    }
                }
                choices = choices
                    .iter()
                    .flat_map(|choice| endings.iter().map(|end| [&choice[..], end].concat()))
                    .collect();
            }
        }
    }
    Ok(choices)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(glob: &str, text: &str) -> bool {
        Glob::new(glob).unwrap().test(text, &mut Effort::for_name()) == Truth::Yes
    }

    #[test]
    fn a_glob_matches_the_whole_text_and_minds_case() {
        assert!(matches("aws_*", "aws_s3/delete\nnow"));
        assert!(matches("*", "") && matches("**", "x"));
        assert!(!matches("aws_*", "AWS_s3") && !matches("aws_*", "my_aws_s3"));
        assert!(matches("a?c", "a\u{20ac}c") && !matches("a?c", "ac"));
        assert!(matches("*_to_*_at", "send_to_all_at_at") && !matches("*_to_*_at", "to_at"));
        assert!(matches("ab*ba", "abba") && !matches("ab*ba", "aba"));
        assert!(matches("main", "main") && !matches("main", "mainly"));
    }

    #[test]
    fn classes_and_braces_are_what_shells_make_of_them() {
        assert!(matches("v[0-9]", "v7") && !matches("v[!0-9]", "v7") && matches("v[^0-9]", "vx"));
        assert!(matches("[]-]", "]") && matches("[]-]", "-") && matches("[*]", "*"));
        assert!(!matches("[*]", "x") && matches("[{]", "{") && matches("a\\*", "a\\b"));
        assert!(matches("{git,hg}_{merge,push*}", "hg_pushed") && !matches("{git,hg}_m", "git"));
        assert!(matches("a{,b{c,d}}", "a") && matches("a{,b{c,d}}", "abd"));
        assert!(matches("{[,],x}", ",") && matches("*}", "a}") && matches("?,", "a,"));
    }

    #[test]
    fn what_is_no_glob_says_why() {
        let refused = |glob: &str| Glob::new(glob).unwrap_err();
        assert_eq!(refused("[abc"), BadGlob::OpenClass);
        assert_eq!(refused("[]"), BadGlob::OpenClass);
        assert_eq!(refused("[z-a]"), BadGlob::BackwardRange('z', 'a'));
        assert_eq!(refused("{a,b"), BadGlob::OpenBrace);
        assert_eq!(refused("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"), BadGlob::TooManyChoices);
        assert_eq!(refused(&"*".repeat(257)), BadGlob::TooLong);
        assert_eq!(refused(&"{".repeat(256)), BadGlob::OpenBrace);
        assert!(Glob::new(&"x".repeat(1_000)).is_ok());
    }

    #[test]
    fn a_search_that_takes_too_long_is_unknown_and_a_plain_start_is_not() {
        let long = "a".repeat(1_000_000);
        let test = |glob: &str| Glob::new(glob).unwrap().test(&long, &mut Effort::share_of(1));
        assert_eq!(test("*b*"), Truth::Unknown);
        assert_eq!(test("*a*aaaaaaaaaaaaaaaaaaaab*"), Truth::Unknown);
        assert_eq!(test("aa*"), Truth::Yes);
        assert_eq!(test("b*"), Truth::No);
        assert_eq!(test("*b"), Truth::No);
    }

    proptest! {
        #[test]
        fn agrees_with_globset_where_both_mean_the_same(
            glob in "([abc*?]|\\[[abc]-c\\]|\\[!b\\]|\\{[ab]\\*?,c[ab?]\\}){0,6}",
            text in "[abc]{0,12}",
        ) {
            let oracle = globset::GlobBuilder::new(&glob).build().unwrap().compile_matcher();
            prop_assert_eq!(matches(&glob, &text), oracle.is_match(&text));
        }

        #[test]
        fn reading_a_glob_never_panics(glob in "[a*?\\[\\]{},!^\u{e9}-]{0,40}", text in ".{0,20}") {
            if let Ok(glob) = Glob::new(&glob) {
                glob.test(&text, &mut Effort::share_of(1));
            }
        }
    }
}
