//! The tools of all servers under one roof: who has which, and how models are told of them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use sayso_core::Tier;
use sayso_policy::Tool;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::eras::Era;
use super::frame::{INVALID_PARAMS, METHOD_NOT_FOUND, Outcome, raw};
use super::headers::{self, Carried};
use super::session::{Asker, Session, locked};
use super::upstream::{Caller, Upstream};
use crate::server::tools;

/// The most pages of one server's list.
const MOST_PAGES: usize = 100;

/// Where a tool is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Which server has it.
    pub(super) server: usize,
    /// What it is called there.
    pub(super) name: String,
    /// What the client and the policy know it by.
    pub(super) shown: String,
    /// Its arguments that are carried in headers, too.
    pub(super) carried: Arc<[Carried]>,
}

/// Which server has which tool.
#[derive(Default)]
pub(super) struct Catalogue {
    listed: Mutex<Option<Listed>>,
}

struct Listed {
    /// By the name that the client knows.
    places: HashMap<String, Place>,
    /// Servers whose tools are not known.
    left_out: Vec<String>,
}

impl Catalogue {
    /// Something changed: it has to be read anew.
    pub(super) fn forget(&self) {
        *locked(&self.listed) = None;
    }

    /// Where a tool was when the tools were last listed.
    fn known(&self, name: &str) -> Option<Place> {
        locked(&self.listed).as_ref()?.places.get(name).cloned()
    }

    fn is_listed(&self) -> bool {
        locked(&self.listed).is_some()
    }

    /// Where a tool is; none if nobody has it.
    pub(super) async fn place(
        &self,
        session: &Arc<Session>,
        asker: &Asker,
        name: &str,
    ) -> Option<Place> {
        if !self.is_listed() {
            self.list(session, asker).await;
        }
        self.known(name)
    }

    /// What is answered to the call of a tool that nobody has.
    pub(super) fn no_tool(&self, name: &str) -> Outcome {
        let listed = locked(&self.listed);
        let left_out = listed.as_ref().map(|listed| listed.left_out.join(", "));
        let but = match left_out.filter(|left_out| !left_out.is_empty()) {
            Some(servers) => format!(" (not known are the tools of {servers}: list them again)"),
            None => String::new(),
        };
        Outcome::error(INVALID_PARAMS, &format!("there is no tool {name:?}{but}"))
    }

    /// The answer to `tools/list`: everybody's tools, and ours.
    pub(super) async fn list(&self, session: &Arc<Session>, asker: &Asker) -> Outcome {
        let upstreams = &session.upstreams;
        let (ahead, definitions) = (&session.agent.ahead, &session.shared.definitions);
        let mut all = Vec::new();
        let mut result = Map::new();
        let mut left_out = Vec::new();
        if upstreams.len() == 1 {
            match pages(session, 0, asker).await {
                Ok((tools, rest)) => {
                    all.extend(tools.into_iter().map(|tool| (0, tool)));
                    result = rest;
                }
                // One that has no tools has no tools; one that fails must not look like that.
                Err(Outcome::Error(error)) if is_not_found(&error) => {}
                Err(failed) => return failed,
            }
        } else {
            let wanted = upstreams.iter().enumerate();
            let wanted =
                wanted.map(|(server, upstream)| upstream.in_time(pages(session, server, asker)));
            let lists = join_all(wanted).await.into_iter().map(|list| list.and_then(|list| list));
            for (server, list) in lists.enumerate() {
                match list {
                    Ok((tools, _)) => all.extend(tools.into_iter().map(|tool| (server, tool))),
                    Err(Outcome::Error(error)) if is_not_found(&error) => {}
                    Err(_) => left_out.push(upstreams[server].name.clone()),
                }
            }
        }
        ahead.settle().await;
        let named = all.iter().map(|(server, tool)| (upstreams[*server].name.as_str(), tool));
        definitions.listed(named);
        ahead.check(&known(&all, upstreams));
        let names = all.iter().filter_map(|(_, tool)| name(tool));
        let mut seen: HashSet<_> = tools::all().iter().map(|tool| tool.name.to_string()).collect();
        let twice: HashSet<_> =
            names.filter(|name| !seen.insert((*name).to_owned())).map(str::to_owned).collect();
        let mut places = HashMap::new();
        let mut listed = Vec::new();
        for (server, mut tool) in all {
            let Some(own) = name(&tool).map(str::to_owned) else { continue };
            let shown = match twice.contains(&own) {
                true => format!("{}__{own}", upstreams[server].name),
                false => own.clone(),
            };
            let carried = tool.get("inputSchema").map(headers::carried).unwrap_or_default().into();
            if let Some(tool) = tool.as_object_mut() {
                tool.insert("name".into(), shown.clone().into());
                // An answer that says "not yet" fits no schema but its own, and clients drop what
                // does not fit, handle and all.
                tool.remove("outputSchema");
                let server = &upstreams[server].name;
                let has_changed = definitions.change(server, &own).is_some();
                let outlook = ahead.outlook(&shown, server);
                if let Some(words) = outlook.map(|outlook| told(outlook, has_changed)) {
                    let said = tool.get("description").and_then(Value::as_str).unwrap_or_default();
                    let said = format!("{said}\n\n{words}").trim_start().to_owned();
                    tool.insert("description".into(), said.into());
                }
            }
            places.insert(shown.clone(), Place { server, name: own, shown, carried });
            listed.push(tool);
        }
        listed.extend(tools::all().iter().map(|tool| json!(tool)));
        *locked(&self.listed) = Some(Listed { places, left_out });
        result.insert("tools".into(), listed.into());
        result.remove("nextCursor");
        if asker.era == Era::Modern {
            result.entry("resultType").or_insert("complete".into());
            result.entry("ttlMs").or_insert(0.into());
            // Which tools there are is this agent's business.
            result.insert("cacheScope".into(), "private".into());
        }
        Outcome::Result(raw(&result))
    }
}

/// The tools as the policy is held against them.
fn known(all: &[(usize, Value)], upstreams: &[Upstream]) -> Vec<Tool> {
    let read = |(server, tool): &(usize, Value)| {
        let read = Tool::deserialize(tool).ok()?;
        Some(Tool { server: Some(upstreams[*server].name.clone()), ..read })
    };
    all.iter().filter_map(read).collect()
}

/// What a model is told of what becomes of a tool's calls.
fn told((least, most): (Tier, Tier), has_changed: bool) -> String {
    let waits = "a call that waits gives you a handle at once, so go on with other work meanwhile";
    match (least, most) {
        _ if has_changed => {
            format!("Sayso (hard): this tool changed, so people look at each call first; {waits}.")
        }
        (Tier::Fyi, Tier::Fyi) => {
            "Sayso (fyi): people are told of each call; nothing waits.".into()
        }
        (Tier::Soft, Tier::Soft) => {
            format!("Sayso (soft): each call waits a while in which people may object; {waits}.")
        }
        (Tier::Hard, Tier::Hard) => {
            format!("Sayso (hard): each call waits until people approve it; {waits}.")
        }
        _ => format!("Sayso ({least} to {most}, by what it is called with): {waits}."),
    }
}

fn name(tool: &Value) -> Option<&str> {
    tool.get("name")?.as_str()
}

fn is_not_found(error: &serde_json::value::RawValue) -> bool {
    let error: Value = serde_json::from_str(error.get()).unwrap_or_default();
    error["code"] == METHOD_NOT_FOUND
}

/// All pages of a server's list, and what else its last page says.
async fn pages(
    session: &Arc<Session>,
    server: usize,
    asker: &Asker,
) -> Result<(Vec<Value>, Map<String, Value>), Outcome> {
    let mut params = Map::new();
    params.extend(asker.meta.clone().map(|meta| ("_meta".to_owned(), meta)));
    let caller = Caller::new(asker.back.clone());
    let ask = |params| session.ask(server, "tools/list", params, asker, &caller);
    all_pages(params, ask).await
}

/// All pages of a list of tools, as they are asked for.
pub(super) async fn all_pages<F: Future<Output = Outcome>>(
    mut params: Map<String, Value>,
    ask: impl Fn(Map<String, Value>) -> F,
) -> Result<(Vec<Value>, Map<String, Value>), Outcome> {
    let mut tools = Vec::new();
    for _ in 0..MOST_PAGES {
        let outcome = ask(params.clone()).await;
        let Some(Value::Object(mut page)) = outcome.value() else { return Err(outcome) };
        if let Some(Value::Array(more)) = page.remove("tools") {
            tools.extend(more);
        }
        match page.get("nextCursor").cloned() {
            Some(cursor @ Value::String(_)) => params.insert("cursor".into(), cursor),
            _ => return Ok((tools, page)),
        };
    }
    Ok((tools, Map::new()))
}
