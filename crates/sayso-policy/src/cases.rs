//! Tests of a policy: calls, and what is expected of the verdict on each.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use sayso_core::{Action, AgentName, GroupName, Needed, Tier, ToolName};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::axis::Axis;
use crate::call::Call;
use crate::policy::Policy;

/// A file of cases (TOML, `[[case]]`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// The cases.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// A call and what is expected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is about; its number, if it has no name.
    #[serde(default)]
    pub name: Option<String>,
    /// The tool that is called.
    pub tool: String,
    /// With what.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// On what.
    #[serde(default)]
    pub resource: Option<Value>,
    /// By whom; some agent that no rule names, if not given.
    #[serde(default = "some_agent")]
    pub agent: String,
    /// The MCP server it belongs to.
    #[serde(default)]
    pub server: Option<String>,
    /// What the model says about it.
    #[serde(default)]
    pub context: Option<Value>,
    /// What the verdict must be.
    pub expect: Expect,
}

/// What a verdict must be: nothing is said of what is left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The tier.
    pub tier: Option<Tier>,
    /// The rule that decided; `false`: none did, the default stands.
    pub rule: Option<Value>,
    /// The window.
    pub window: Option<sayso_core::Period>,
    /// How long it may stay unheard.
    pub unheard_after: Option<sayso_core::Period>,
    /// How many silent grants there may be.
    pub silent_limit: Option<sayso_core::SilentLimit>,
    /// Who must approve: a number of people, or a table of numbers by group.
    pub quorum: Option<Value>,
    /// Whether those who answer for the agent may.
    pub self_approval: Option<sayso_core::SelfApproval>,
    /// How strongly.
    pub assurance: Option<sayso_core::decision::Assurance>,
    /// How long a permit lasts.
    pub permit_lasts: Option<sayso_core::Period>,
    /// Who is told.
    pub route: Option<String>,
}

/// How a case came out.
#[derive(Clone, Debug, Serialize)]
pub struct CaseResult {
    /// The case's name.
    pub name: String,
    /// What is otherwise than expected: the key, what was expected, what it is. Empty: all is well.
    pub wrong: Vec<(String, String, String)>,
}

/// Why cases can't be run.
#[derive(Debug, thiserror::Error)]
pub enum BadCases {
    /// The file is not one of cases.
    #[error("{0}")]
    File(#[from] toml::de::Error),
    /// A name can't be one.
    #[error("case {case}: {detail}")]
    Name {
        /// Which.
        case: String,
        /// What is wrong.
        detail: String,
    },
}

fn some_agent() -> String {
    "some-agent".into()
}

impl Cases {
    /// Reads a file of cases.
    pub fn parse(text: &str) -> Result<Self, BadCases> {
        Ok(toml::from_str(text)?)
    }

    /// Runs them all.
    pub fn run(&self, policy: &Policy) -> Result<Vec<CaseResult>, BadCases> {
        self.cases.iter().enumerate().map(|(index, case)| case.run(index + 1, policy)).collect()
    }
}

impl Case {
    fn run(&self, number: usize, policy: &Policy) -> Result<CaseResult, BadCases> {
        let name = self.name.clone().unwrap_or_else(|| number.to_string());
        let bad = |detail: String| BadCases::Name { case: name.clone(), detail };
        let action = Action {
            tool: ToolName::new(&self.tool).map_err(|error| bad(format!("tool: {error}")))?,
            arguments: self.args.clone(),
            resource: self.resource.clone(),
            precondition: None,
        };
        let agent = AgentName::new(&self.agent).map_err(|error| bad(format!("agent: {error}")))?;
        let (server, context) = (self.server.as_deref(), self.context.as_ref());
        let verdict = policy.judge(&Call { action: &action, agent: &agent, server, context });

        let mut wrong = Vec::new();
        let mut compare = |key: &str, expected: Option<String>, found: String| {
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                wrong.push((key.to_owned(), expected, found));
            }
        };
        let Expect { tier, rule, window, unheard_after, silent_limit, .. } = &self.expect;
        let Expect { quorum, self_approval, assurance, permit_lasts, route, .. } = &self.expect;
        let quorum = quorum.as_ref().map(quorum_text).transpose().map_err(bad)?;
        let mut on = |axis: Axis, expected: Option<String>| {
            compare(axis.word(), expected, axis.of(&verdict));
        };
        on(Axis::Tier, tier.map(|tier| tier.word().to_owned()));
        on(Axis::Window, window.map(|window| window.to_string()));
        on(Axis::UnheardAfter, unheard_after.map(|period| period.to_string()));
        on(Axis::SilentLimit, silent_limit.map(|limit| limit.to_string()));
        on(Axis::Quorum, quorum);
        on(Axis::SelfApproval, self_approval.map(|word| word.word().to_owned()));
        on(Axis::Assurance, assurance.map(|assurance| assurance.word().to_owned()));
        on(Axis::PermitLasts, permit_lasts.map(|period| period.to_string()));
        on(Axis::Route, route.clone());
        let rule = match rule {
            Some(Value::Bool(false)) => Some("(none)".to_owned()),
            Some(Value::String(rule)) => Some(rule.clone()),
            Some(_) => return Err(bad("expect.rule: write a rule's name, or false".into())),
            None => None,
        };
        let found = verdict.rule.as_ref().map_or("(none)".to_owned(), ToString::to_string);
        compare("rule", rule, found);
        Ok(CaseResult { name, wrong })
    }
}

/// A quorum as [`Axis::of`] writes it.
fn quorum_text(quorum: &Value) -> Result<String, String> {
    let wrong = || "expect.quorum: write a number of people, or numbers by group".to_owned();
    let number = |value: &Value| {
        let number = value.as_u64().and_then(|number| u8::try_from(number).ok());
        number.and_then(NonZeroU8::new).ok_or_else(wrong)
    };
    let Value::Object(table) = quorum else { return Ok(number(quorum)?.to_string()) };
    let (mut in_all, mut groups) = (NonZeroU8::MIN, BTreeMap::new());
    for (name, value) in table {
        match name.as_str() {
            "people" => in_all = number(value)?,
            name => drop(
                groups.insert(GroupName::new(name).map_err(|bad| bad.to_string())?, number(value)?),
            ),
        }
    }
    Ok(Needed::of_groups(in_all, groups).to_string())
}
