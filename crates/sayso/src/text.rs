//! Untrusted text on a terminal: shown for what it is, able to do nothing.

use std::fmt::Write as _;

/// The text with everything that could act or hide made visible. Line breaks become ` ⏎ `.
pub(crate) fn line(text: &str) -> String {
    safe(text, |out, _| out.push_str(" ⏎ "))
}

/// The same, with line breaks kept and each line indented, so that no line can pass for ours.
pub(crate) fn block(text: &str, indent: &str) -> String {
    let lines = text.lines().map(|text| format!("{indent}{}", line(text)));
    lines.collect::<Vec<_>>().join("\n")
}

fn safe(text: &str, newline: impl Fn(&mut String, char)) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => newline(&mut out, c),
            '\t' => out.push_str("    "),
            c if is_odd(c) => {
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether a character acts on the terminal, turns text around, or can't be seen.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_reversals_are_shown_and_do_nothing() {
        assert_eq!(line("\u{1b}[2Jgone"), "⟨U+001B⟩[2Jgone");
        assert_eq!(line("invoice\u{202e}fdp.exe"), "invoice⟨U+202E⟩fdp.exe");
        assert_eq!(line("ad\u{200b}min"), "ad⟨U+200B⟩min");
        assert_eq!(line("two\nlines"), "two ⏎ lines");
        assert_eq!(line("\u{9b}31m"), "⟨U+009B⟩31m");
    }

    #[test]
    fn no_line_of_a_block_can_pass_for_ours() {
        assert_eq!(block("a\nApproved by ana\r", "  │ "), "  │ a\n  │ Approved by ana⟨U+000D⟩");
    }
}
