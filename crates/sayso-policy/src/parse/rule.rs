//! Reads one `[[rule]]`.

use std::collections::{HashMap, HashSet};

use sayso_core::name::BadName;
use sayso_core::{Needed, Period, RuleName};
use toml::de::DeTable;

use super::condition;
use super::entry::{Entry, unknown_key};
use super::report::Report;
use super::terms;
use crate::condition::{Condition, Root};
use crate::glob::Glob;
use crate::rule::{Rule, Terms};

const KEYS: &[&str] = &[
    "name",
    "tool",
    "agent",
    "server",
    "args",
    "resource",
    "context",
    "unless",
    "tier",
    "window",
    "unheard_after",
    "quorum",
    "self_approval",
    "silent_limit",
    "assurance",
    "permit_lasts",
    "route",
    "mode",
];

const EXCEPTIONS: &[&str] = &["args", "resource"];

/// A rule whose name may have to be derived yet.
pub(super) struct Draft {
    name: Option<(RuleName, usize)>,
    /// What a name is derived from.
    first_tool: String,
    rule: Unnamed,
}

/// Everything of a rule but its name.
struct Unnamed {
    tools: Box<[Glob]>,
    agents: Option<Box<[Glob]>>,
    servers: Option<Box<[Glob]>>,
    conditions: Box<[Condition]>,
    unless: Box<[Condition]>,
    terms: Terms,
    is_shadow: bool,
    line: usize,
}

/// Reads the rule whose table starts at `offset`; none if something is wrong with it.
pub(super) fn read(
    offset: usize,
    table: &DeTable<'_>,
    default_window: Period,
    report: &mut Report<'_>,
) -> Option<Draft> {
    let (mut name, mut tool, mut agents, mut servers, mut tier) = (None, None, None, None, None);
    let (mut window, mut unheard_after, mut silent_limit, mut route) = (None, None, None, None);
    let (mut assurance, mut permit_lasts, mut is_shadow) = (None, None, false);
    let (mut quorum, mut self_approval) = (Needed::ONE, None);
    let (mut conditions, mut unless) = (Vec::new(), Vec::new());
    for entry in Entry::of_table("", table) {
        match entry.name() {
            "name" => name = rule_name(&entry, report),
            "tool" => tool = name_globs(&entry, "a tool's", report),
            "agent" => agents = name_globs(&entry, "an agent's", report).map(|(_, globs)| globs),
            "server" => servers = name_globs(&entry, "a server's", report).map(|(_, globs)| globs),
            "args" => condition::read(Root::Args, &entry, &mut conditions, report),
            "resource" => condition::read(Root::Resource, &entry, &mut conditions, report),
            "context" => condition::read(Root::Context, &entry, &mut conditions, report),
            "unless" => exceptions(&entry, &mut unless, report),
            "tier" => tier = terms::tier(&entry, report),
            "window" => window = terms::window(&entry, report),
            "unheard_after" => unheard_after = terms::unheard_after(&entry, report),
            "quorum" => quorum = terms::quorum(&entry, report).unwrap_or(quorum),
            "self_approval" => self_approval = terms::self_approval(&entry, report),
            "silent_limit" => silent_limit = terms::silent_limit(&entry, report),
            "route" => route = terms::route(&entry, report),
            "assurance" => assurance = terms::assurance(&entry, report),
            "permit_lasts" => permit_lasts = terms::permit_lasts(&entry, report),
            "mode" => is_shadow = terms::is_shadow(&entry, report),
            _ => unknown_key(&entry, KEYS, "a rule", report),
        }
    }
    if !table.contains_key("tool") {
        let mend = "name the tools it is for, like tool = \"git_*\", or tool = \"*\" for all";
        report.add(offset, "tool", "is missing from this rule", mend);
    }
    if !table.contains_key("tier") {
        let mend = "say what it asks: tier = \"fyi\", \"soft\" or \"hard\"";
        report.add(offset, "tier", "is missing from this rule", mend);
    }
    let (first_tool, tools) = tool?;
    let terms = Terms {
        tier: tier?,
        window,
        unheard_after,
        silent_limit,
        quorum,
        self_approval,
        assurance,
        permit_lasts,
        route,
    }
    .with_defaults(default_window);
    let line = report.line(offset);
    let (conditions, unless) = (conditions.into(), unless.into());
    let rule = Unnamed { tools, agents, servers, conditions, unless, terms, is_shadow, line };
    Some(Draft { name, first_tool, rule })
}

fn rule_name(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<(RuleName, usize)> {
    let Some(text) = entry.value().as_str() else {
        entry.wrong(report, format!("is {}, not a name", entry.kind()), "write it in quotes");
        return None;
    };
    match RuleName::new(text) {
        Ok(name) => Some((name, entry.value_at())),
        Err(bad) => {
            entry.wrong(report, bad.to_string(), "give it a plain name, or none");
            None
        }
    }
}

/// Globs on a name, with the text of the first.
fn name_globs(
    entry: &Entry<'_>,
    whose: &str,
    report: &mut Report<'_>,
) -> Option<(String, Box<[Glob]>)> {
    let mut globs = Vec::new();
    let mut first = None;
    for element in entry.elements() {
        let Some(text) = element.value().as_str() else {
            let message = format!("is {}, not a glob", element.kind());
            element.wrong(report, message, "write a string like \"git_*\", or a list of them");
            return None;
        };
        if text.is_empty() || text.contains(|c: char| !c.is_ascii_graphic() && c != ' ') {
            let message = format!("{whose} name is printable ASCII, so this can match none");
            element.wrong(report, message, "write a glob like \"git_*\"");
            return None;
        }
        globs.push(condition::glob(&element, text, report)?);
        first.get_or_insert(text);
    }
    let Some(first) = first else {
        entry.wrong(
            report,
            "is an empty list, which matches nothing",
            "name one, or \"*\" for all",
        );
        return None;
    };
    Some((first.to_owned(), globs.into()))
}

fn exceptions(entry: &Entry<'_>, unless: &mut Vec<Condition>, report: &mut Report<'_>) {
    let mend = "write it like { args.bucket = \"tmp-*\" }";
    let Some(table) = entry.table(mend, report) else { return };
    if table.is_empty() {
        entry.wrong(report, "names no condition", mend);
    }
    for entry in Entry::of_table(entry.path(), table) {
        match entry.name() {
            "args" => condition::read(Root::Args, &entry, unless, report),
            "resource" => condition::read(Root::Resource, &entry, unless, report),
            "context" => entry.wrong_key(
                report,
                "is what the model says, and can't take an action out of a rule",
                "use args or resource",
            ),
            _ => unknown_key(&entry, EXCEPTIONS, "an exception", report),
        }
    }
}

/// The names in use, and those yet to be derived.
pub(super) struct Names {
    taken: HashSet<String>,
    derived: HashMap<String, usize>,
}

impl Names {
    /// Takes the names that the text gives; one given twice is a problem.
    pub(super) fn new(drafts: &[Draft], report: &mut Report<'_>) -> Self {
        let mut taken = HashSet::new();
        for (name, offset) in drafts.iter().filter_map(|draft| draft.name.as_ref()) {
            if !taken.insert(name.as_str().to_owned()) {
                let message = format!("{:?} is another rule's name already", name.as_str());
                report.add(*offset, "name", message, "give each rule its own name, or none");
            }
        }
        Self { taken, derived: HashMap::new() }
    }

    /// A name that no other rule has: the glob, or the glob with `#2`, `#3` and so on.
    fn derive(&mut self, glob: &str) -> String {
        // Room for the number within a name's length.
        let stem: String = glob.chars().take(120).collect();
        let count = self.derived.entry(stem.clone()).or_default();
        loop {
            *count += 1;
            let name = if *count == 1 { stem.clone() } else { format!("{stem}#{count}") };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

impl Draft {
    /// The rule with its name.
    pub(super) fn finish(self, names: &mut Names) -> Result<Rule, BadName> {
        let name = match self.name {
            Some((name, _)) => name,
            None => RuleName::new(&names.derive(&self.first_tool))?,
        };
        let Unnamed { tools, agents, servers, conditions, unless, terms, is_shadow, line } =
            self.rule;
        Ok(Rule { name, tools, agents, servers, conditions, unless, terms, is_shadow, line })
    }
}
