//! `subscriptions/listen` (MCP 2026-07-28): what a modern client hears of changes, from servers of
//! either revision and from the policy.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::eras::Era;
use super::frame::{Envelope, INVALID_PARAMS, Outcome, raw};
use super::reply::Reply;
use super::session::Session;
use super::upstream::Caller;

/// Where a notification says which subscription it belongs to.
pub(super) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
const UPDATED: &str = "notifications/resources/updated";
/// What changes as a whole: the member of a filter, and the notification.
const LISTS: [(&str, &str); 3] = [
    ("toolsListChanged", "notifications/tools/list_changed"),
    ("promptsListChanged", "notifications/prompts/list_changed"),
    ("resourcesListChanged", "notifications/resources/list_changed"),
];
/// How long servers may take to begin a subscription.
const READY: std::time::Duration = std::time::Duration::from_secs(2);
/// How long to wait before a server that ended a subscription is asked again.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Whether a notification is about a change, and so for whoever subscribes.
pub(super) fn is_change(method: &str) -> bool {
    method == UPDATED || LISTS.iter().any(|(_, told)| *told == method)
}

/// The open subscriptions of a session.
#[derive(Default)]
pub(super) struct Subscriptions {
    open: Mutex<Vec<Arc<Subscription>>>,
}

struct Subscription {
    id: Box<RawValue>,
    filter: Map<String, Value>,
    reply: Reply,
}

impl Subscription {
    /// Whether it is about such a notification.
    fn is_about(&self, method: &str, params: Option<&RawValue>) -> bool {
        if method == UPDATED {
            let params = params.and_then(|params| serde_json::from_str::<Value>(params.get()).ok());
            let uri = params.as_ref().and_then(|params| params.get("uri"));
            let uris = self.filter.get("resourceSubscriptions").and_then(Value::as_array);
            return uri.zip(uris).is_some_and(|(uri, uris)| uris.contains(uri));
        }
        let member = LISTS.iter().find(|(_, told)| *told == method).map(|(member, _)| *member);
        member.is_some_and(|member| self.filter.get(member) == Some(&Value::Bool(true)))
    }
}

impl Subscriptions {
    fn open(&self) -> MutexGuard<'_, Vec<Arc<Subscription>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells who subscribes to it of a change.
    pub(super) async fn tell(&self, frame: &str) {
        let Ok(envelope) = Envelope::read(frame) else { return };
        let Some(method) = envelope.method.as_deref() else { return };
        let about: Vec<_> = {
            let open = self.open();
            open.iter().filter(|open| open.is_about(method, envelope.params)).cloned().collect()
        };
        for subscription in about {
            if let Some(frame) = under(frame, &subscription.id) {
                subscription.reply.tell(frame).await;
            }
        }
    }
}

/// A notification as one of the subscription of that id. None, if it is one that we say ourselves.
pub(super) fn under(frame: &str, id: &RawValue) -> Option<String> {
    let mut frame: Value = serde_json::from_str(frame).ok()?;
    if frame["method"] == ACKNOWLEDGED {
        return None;
    }
    let id: Value = serde_json::from_str(id.get()).ok()?;
    let params = frame.as_object_mut()?.entry("params").or_insert_with(|| json!({}));
    let meta = params.as_object_mut()?.entry("_meta").or_insert_with(|| json!({}));
    meta.as_object_mut()?.insert(SUBSCRIPTION.into(), id);
    Some(frame.to_string())
}

/// Ends a subscription with its request.
struct Ending<'s>(&'s Subscriptions, Arc<Subscription>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.open().retain(|open| !Arc::ptr_eq(open, &self.1));
    }
}

/// Serves a subscription until its request is taken back.
pub(super) async fn listen(
    session: &Arc<Session>,
    id: &RawValue,
    params: Option<&RawValue>,
    reply: &Reply,
) -> Outcome {
    let params = params.and_then(|params| serde_json::from_str::<Value>(params.get()).ok());
    let filter = params.as_ref().and_then(|params| params["notifications"].as_object());
    let Some(filter) = filter.cloned() else {
        return Outcome::error(
            INVALID_PARAMS,
            "`params.notifications` must say what to listen for",
        );
    };
    let subscription = Arc::new(Subscription { id: id.to_owned(), filter, reply: reply.clone() });
    let known = |name: &&String| {
        *name == "resourceSubscriptions" || LISTS.iter().any(|(member, _)| member == name)
    };
    let filter = &subscription.filter;
    let accepted: Map<_, _> =
        filter.keys().filter(known).map(|name| (name.clone(), filter[name].clone())).collect();

    let servers = session.upstreams.len();
    let (ready, mut readiness) = mpsc::channel(servers.max(1));
    let mut feeds = JoinSet::new();
    for server in 0..servers {
        let (params, ready) = (params.clone().unwrap_or_default(), ready.clone());
        feeds.spawn(feed(Arc::clone(session), server, Arc::clone(&subscription), params, ready));
    }
    // What is acknowledged is heard from then on.
    let all_ready = async {
        for _ in 0..servers {
            readiness.recv().await;
        }
    };
    let _ = tokio::time::timeout(READY, all_ready).await;
    let acknowledged = json!({
        "jsonrpc": "2.0", "method": ACKNOWLEDGED,
        "params": {"notifications": accepted, "_meta": {SUBSCRIPTION: id}},
    });
    reply.tell(acknowledged.to_string()).await;
    session.subscriptions.open().push(Arc::clone(&subscription));
    let _ending = Ending(&session.subscriptions, Arc::clone(&subscription));
    // It ends with its request; that the servers have nothing (more) to say does not end it.
    while feeds.join_next().await.is_some() {}
    std::future::pending().await
}

/// Has one server tell a subscription of its changes.
async fn feed(
    session: Arc<Session>,
    server: usize,
    subscription: Arc<Subscription>,
    params: Value,
    ready: mpsc::Sender<()>,
) {
    let upstream = &session.upstreams[server];
    let era = upstream.opened().map(|opened| opened.era);
    if era == Some(Era::Legacy) {
        // It tells of its lists unasked, but of resources only those who subscribe.
        let uris = subscription.filter.get("resourceSubscriptions").and_then(Value::as_array);
        for uri in uris.into_iter().flatten() {
            let params = raw(&json!({"uri": uri}));
            let caller = Caller::new(Reply::Nobody);
            upstream.ask(Era::Legacy, "resources/subscribe", &params, &caller).await;
        }
        let _ = ready.send(()).await;
        return;
    }
    let (id, to) = (subscription.id.clone(), Box::new(subscription.reply.clone()));
    let caller = Caller::new(Reply::Feed { id, to, ready: ready.clone() });
    loop {
        let ended = upstream.ask(Era::Modern, "subscriptions/listen", &raw(&params), &caller).await;
        // One that does not listen is as ready as it will be.
        let _ = ready.try_send(());
        if ended.code() == Some(super::frame::METHOD_NOT_FOUND) {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}
