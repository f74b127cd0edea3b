//! Untrusted text, shown for what it is: what acts, hides or reverses is spelt out, and what looks
//! like something else is marked.
//!
//! Pure: text in, pieces out. Whoever writes the pieces escapes them as markup.

use std::collections::BTreeSet;

use askama::Template;
use askama::filters::HtmlSafe;
use unicode_properties::{GeneralCategory as Category, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::MixedScript;
use unicode_security::confusable_detection::skeleton;

/// How many marks may be stacked on one letter before they count as a disguise.
const STACKED: usize = 3;

/// A stretch of text of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// What can be shown as it is.
    Plain(String),
    /// A character that would act or hide, spelt out; and what it is.
    Odd {
        /// As `U+202E`.
        code: String,
        /// What it does to text.
        what: &'static str,
    },
    /// A word that looks like another one; and why.
    LookAlike {
        /// The word.
        word: String,
        /// What is odd about it.
        why: String,
    },
}

/// Untrusted text in pieces. It displays as markup, isolated from what stands around it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = r#"<bdi dir="ltr">{% for piece in pieces %}{% match piece %}{% when Piece::Plain(text) %}{{ text }}{% when Piece::Odd { code, what } %}<span class="odd" title="{{ what }}">⟨{{ code }}⟩</span>{% when Piece::LookAlike { word, why } %}<span class="lookalike" title="{{ why }}">{{ word }}</span>{% endmatch %}{% endfor %}</bdi>"#
)]
pub(crate) struct Text {
    /// What it consists of.
    pub(crate) pieces: Vec<Piece>,
}

/// The template it is written with escapes every piece.
impl HtmlSafe for Text {}

impl Text {
    /// Takes text from anywhere apart.
    pub(crate) fn new(text: &str) -> Self {
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')) {
            let pieces = if text.is_empty() { Vec::new() } else { vec![Piece::Plain(text.into())] };
            return Self { pieces };
        }
        let mut taking = Taking::default();
        let mut before = None;
        let mut stacked = 0;
        for c in text.chars() {
            stacked = if is_mark(c) { stacked + 1 } else { 0 };
            match oddness(c) {
                Some(_) if c == '\u{fe0f}' && before.is_some_and(shows_as_emoji) => {
                    taking.end_word();
                    taking.plain("\u{fe0f}");
                }
                Some(what) => taking.odd(c, what),
                None if stacked > STACKED => taking.odd(c, "one mark too many on a letter"),
                None => taking.add(c),
            }
            before = Some(c);
        }
        taking.finish()
    }

    /// Whether there is anything in it that is not what it seems.
    pub(crate) fn is_suspect(&self) -> bool {
        self.pieces.iter().any(|piece| !matches!(piece, Piece::Plain(_)))
    }
}

/// The pieces so far, and the word being read.
#[derive(Default)]
struct Taking {
    pieces: Vec<Piece>,
    word: String,
}

impl Taking {
    fn add(&mut self, c: char) {
        if c.is_alphanumeric() || is_mark(c) || c == '_' {
            self.word.push(c);
            return;
        }
        self.end_word();
        match symbol_like(c) {
            Some(like) => {
                let why = format!("{} is not {like}", code(c));
                self.pieces.push(Piece::LookAlike { word: c.into(), why });
            }
            None => self.plain(c.encode_utf8(&mut [0; 4])),
        }
    }

    fn odd(&mut self, c: char, what: &'static str) {
        self.end_word();
        self.pieces.push(Piece::Odd { code: code(c), what });
    }

    fn plain(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Plain(before)) => before.push_str(text),
            _ => self.pieces.push(Piece::Plain(text.into())),
        }
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        match look_alike(&word) {
            Some(why) => self.pieces.push(Piece::LookAlike { word, why }),
            None if !word.is_empty() => self.plain(&word),
            None => {}
        }
    }

    fn finish(mut self) -> Text {
        self.end_word();
        Text { pieces: self.pieces }
    }
}

fn code(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

fn is_mark(c: char) -> bool {
    matches!(c.general_category(), Category::NonspacingMark | Category::EnclosingMark)
}

fn shows_as_emoji(c: char) -> bool {
    !c.is_ascii() && c.is_emoji_char()
}

/// What is odd about a character that acts on the text around it, or can't be seen.
fn oddness(c: char) -> Option<&'static str> {
    Some(match c {
        ' '..='~' | '\n' | '\t' => return None,
        '\u{202a}' | '\u{202d}' | '\u{2066}' | '\u{200e}' => "turns the text left to right",
        '\u{202b}' | '\u{202e}' | '\u{2067}' | '\u{200f}' | '\u{61c}' => {
            "turns the text right to left"
        }
        '\u{202c}' | '\u{2069}' | '\u{2068}' => "changes the direction of the text",
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{180e}' => "has no width",
        '\u{ad}' => "a hyphen that is not shown",
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
        | '\u{2800}' => "looks empty and is not",
        '\u{fe00}'..='\u{fe0f}'
        | '\u{180b}'..='\u{180d}'
        | '\u{180f}'
        | '\u{e0100}'..='\u{e01ef}' => "a variation selector, which can't be seen",
        '\u{e0000}'..='\u{e007f}' => "a tag character, which can't be seen",
        '\r' => "a carriage return",
        '\u{1b}' => "an escape character",
        '\0' => "a zero byte",
        _ => match c.general_category() {
            Category::Control => "a control character",
            Category::Format => "a format character, which can't be seen",
            Category::LineSeparator | Category::ParagraphSeparator => "a line break",
            Category::SpaceSeparator => "a space that is not a plain one",
            Category::PrivateUse => "a character without a public meaning",
            Category::Unassigned | Category::Surrogate => "a character that does not exist",
            _ => return None,
        },
    })
}

/// The ASCII sign that a sign could be taken for. Quotation marks, dashes and bullets of ordinary
/// print are left in peace.
fn symbol_like(c: char) -> Option<char> {
    let print = "‘’‚“”„–—…•·′″«»‹›×÷¡¿§¶°€£¥";
    if c.is_ascii() || print.contains(c) {
        return None;
    }
    let text = c.to_string();
    let mut like = skeleton(&text);
    like.next().filter(|like| like.is_ascii() && *like != c).filter(|_| like.next().is_none())
}

/// Why a word is not what it looks like, if it is not.
fn look_alike(word: &str) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    if !word.is_single_script() {
        let foreign: BTreeSet<_> = word
            .chars()
            .filter(|c| !matches!(c.script(), Script::Latin | Script::Common | Script::Inherited))
            .map(|c| format!("{c} is {} ({})", c.script().full_name(), code(c)))
            .collect();
        let foreign: Vec<_> = foreign.into_iter().take(4).collect();
        return Some(format!("mixes alphabets: {}", foreign.join(", ")));
    }
    // Letters of western Europe that stand for two others are no disguise.
    if word.chars().all(|c| c.is_ascii() || "æÆœŒßĳĲ".contains(c)) {
        return None;
    }
    let like: String = skeleton(word).collect();
    if like.is_empty() || !like.is_ascii() {
        return None;
    }
    let script = word.chars().find(|c| !c.is_ascii()).map(|c| c.script());
    let script = match script {
        Some(Script::Common | Script::Latin | Script::Inherited) | None => {
            "letters other than the plain ones"
        }
        Some(script) => script.full_name(),
    };
    Some(format!("looks like \"{like}\" and is written in {script}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with odd characters as `<U+XXXX>` and look-alikes as `{word}`.
    fn shown(text: &str) -> String {
        let pieces = Text::new(text).pieces.into_iter().map(|piece| match piece {
            Piece::Plain(text) => text,
            Piece::Odd { code, .. } => format!("<{code}>"),
            Piece::LookAlike { word, .. } => format!("{{{word}}}"),
        });
        pieces.collect()
    }

    #[test]
    fn what_turns_or_hides_text_is_spelt_out() {
        assert_eq!(shown("invoice\u{202e}fdp.exe"), "invoice<U+202E>fdp.exe");
        assert_eq!(shown("ad\u{200b}min"), "ad<U+200B>min");
        assert_eq!(shown("a\u{ad}b\u{2066}c\u{2069}"), "a<U+00AD>b<U+2066>c<U+2069>");
        assert_eq!(shown("tag\u{e0041}"), "tag<U+E0041>");
        assert_eq!(shown("\u{1b}[31mred"), "<U+001B>[31mred");
        assert_eq!(shown("no\u{a0}break"), "no<U+00A0>break");
        assert_eq!(shown("pri\u{e000}vate"), "pri<U+E000>vate");
        assert_eq!(shown("a\rb"), "a<U+000D>b");
    }

    #[test]
    fn every_format_and_control_character_is_spelt_out() {
        let acts = |c: &char| {
            !matches!(c, '\n' | '\t')
                && matches!(c.general_category(), Category::Control | Category::Format)
        };
        for c in ('\0'..=char::MAX).filter(acts) {
            assert!(Text::new(&format!("a{c}b")).is_suspect(), "{}", code(c));
        }
    }

    #[test]
    fn words_that_mix_alphabets_are_marked() {
        assert_eq!(shown("merge m\u{430}in now"), "merge {m\u{430}in} now");
        let Piece::LookAlike { why, .. } = &Text::new("m\u{430}in").pieces[0] else { panic!() };
        assert_eq!(why, "mixes alphabets: а is Cyrillic (U+0430)");
    }

    #[test]
    fn words_wholly_of_look_alikes_are_marked() {
        assert_eq!(shown("\u{440}\u{430}\u{443}"), "{\u{440}\u{430}\u{443}}");
        assert_eq!(shown("\u{ff4d}\u{ff41}\u{ff49}\u{ff4e}"), "{ｍａｉｎ}");
        assert_eq!(shown("\u{1d5fa}\u{1d5ee}"), "{\u{1d5fa}\u{1d5ee}}");
        assert_eq!(shown("a\u{2044}b"), "a{\u{2044}}b");
    }

    #[test]
    fn honest_writing_is_left_alone() {
        for text in [
            "naïve café",
            "Ærø être œuvre",
            "größer",
            "Привет, Игорь",
            "東京タワーのデータ",
            "데이터",
            "\"quotes\" – “dashes” … •",
            "line\n\tindented",
            "שלום",
            "Ελλάδα",
            "⚠\u{fe0f} careful",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn stacked_marks_are_spelt_out() {
        assert_eq!(shown("e\u{301}\u{302}\u{303}\u{304}"), "e\u{301}\u{302}\u{303}<U+0304>");
    }

    #[test]
    fn markup_in_any_piece_is_only_text() {
        let text = Text::new("<script>\u{202e}<b>\u{430}a\"'&").to_string();
        assert!(!text.contains("<script>") && !text.contains("<b>"), "{text}");
        assert!(text.contains("&#60;script&#62;"), "{text}");
    }
}
