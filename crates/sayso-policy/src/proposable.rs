//! The tools that an agent may propose: globs as in rules.

use sayso_core::ToolName;
use sayso_core::directory::ToolPattern;

use crate::effort::Effort;
use crate::glob::Glob;
use crate::truth::Truth;

/// A pattern of tools that can't be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tool pattern {pattern:?} can't be read: {why}")]
pub struct BadPattern {
    pattern: String,
    why: String,
}

/// Whether one of these patterns names that tool. One that can't be read, or that takes too long to
/// compare, names none.
pub fn is_named(patterns: &[ToolPattern], tool: &ToolName) -> bool {
    let mut effort = Effort::share_of(1);
    patterns.iter().any(|pattern| {
        let glob = Glob::new(pattern.as_str());
        glob.is_ok_and(|glob| matches!(glob.test(tool.as_str(), &mut effort), Truth::Yes))
    })
}

/// Reads a pattern as a person typed it.
pub fn tool_pattern(text: &str) -> Result<ToolPattern, BadPattern> {
    let bad = |why: String| BadPattern { pattern: text.chars().take(64).collect(), why };
    Glob::new(text).map_err(|error| bad(error.to_string()))?;
    ToolPattern::new(text).map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_tools_are_globs_as_in_rules() {
        let patterns = ["git_*", "note"].map(|text| tool_pattern(text).unwrap());
        let names = |tool| is_named(&patterns, &ToolName::new(tool).unwrap());
        assert!(names("git_merge") && names("note"));
        assert!(!names("notes") && !names("rm git_merge"));
        let bad = tool_pattern("git_[").unwrap_err().to_string();
        assert!(bad.contains("\"git_[\"") && bad.contains("no matching"), "{bad}");
    }
}
