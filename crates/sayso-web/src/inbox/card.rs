//! One escalation as people see it: what would be done first, what the model says about it after,
//! and the gesture of its tier.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;
use sayso_core::escalation::{PermitState, ReceiptResult, Settled};
use sayso_core::{Event, Period, Tier};
use sayso_engine::{Engine, Record};
use sayso_store::Past;

use super::answer::AnswerForm;
use super::shown::{Members, editable};
use super::sign::is_needed;
use super::text::Text;
use super::visitor::Visitor;
use crate::reason::reason;

/// How many bytes of what an agent sent are shown of each part in a list.
const ROOM: usize = 6 * 1_024;
/// How much of the arguments fits into one line.
const LINE: usize = 160;

/// A moment, for people and for the script.
#[derive(Clone, Debug)]
pub(super) struct When {
    /// RFC 3339.
    pub(super) at: String,
    /// From here: `3 min ago`.
    pub(super) about: String,
}

impl When {
    /// A moment that has passed.
    pub(super) fn past(at: Timestamp, now: Timestamp) -> Self {
        Self { at: at.to_string(), about: format!("{} ago", Period::between(at, now).about()) }
    }
}

/// How far a window has got.
pub(super) struct Window {
    /// All of it, in seconds.
    pub(super) seconds: u64,
    /// What has passed in hearing, in seconds.
    pub(super) heard: u64,
    /// When it ends; nothing while it stands still.
    pub(super) until: Option<String>,
    /// What is left, for people.
    pub(super) left: String,
    /// All of it, for people.
    pub(super) length: String,
}

/// What a person has said.
pub(super) struct Said {
    pub(super) by: Text,
    pub(super) did: &'static str,
    pub(super) when: When,
    pub(super) comment: Option<Text>,
}

/// What it takes to decide.
pub(super) enum Way {
    /// It was granted and not used yet: all that can be done is to take it back.
    TakeBack,
    /// A question's form.
    Answer(AnswerForm),
    /// Silence would grant it: one big veto.
    Veto,
    /// A choice, and its confirmation.
    Choose,
}

/// Whether approving takes a signature.
#[derive(Clone, Copy)]
pub(super) enum Signing {
    /// It does not.
    NotNeeded,
    /// It does, and there is a passkey to give it.
    ByPasskey,
    /// It does, and there is none.
    Keyless,
}

/// What a reviewer can do here, with what the forms carry.
pub(super) struct Gesture {
    /// So that no other site's form passes for ours.
    pub(super) token: String,
    /// What is decided on.
    pub(super) digest: String,
    /// What it takes.
    pub(super) way: Way,
    /// Whether approving takes a signature.
    pub(super) signing: Signing,
    /// Whether approving is offered: only where everything that is approved is in view.
    pub(super) approve: bool,
    /// The arguments as they can be edited, where there is room.
    pub(super) arguments: Option<String>,
    /// Whether somebody else may still take it.
    pub(super) take: bool,
    /// Whether they approved it and may take that back.
    pub(super) retract: bool,
    /// What was sent and not taken, to be mended.
    pub(super) draft: Draft,
}

/// What somebody wrote that could not be taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// What is wrong with it.
    pub(super) problem: Option<Text>,
    /// Their comment.
    pub(super) comment: String,
    /// Their arguments.
    pub(super) arguments: Option<String>,
}

/// An escalation on a page.
#[derive(Template)]
#[template(path = "card.html")]
pub(super) struct Card {
    pub(super) id: String,
    /// The digits that people compare with a terminal's.
    pub(super) short: String,
    pub(super) tier: &'static str,
    /// `pending`, or the outcome.
    pub(super) state: &'static str,
    /// Whether it is alone on its page, with room for everything.
    pub(super) whole: bool,
    pub(super) tool: Option<Text>,
    pub(super) question: Option<Text>,
    /// The arguments in one line, for where there is room for no more.
    pub(super) gist: Text,
    pub(super) arguments: Members,
    pub(super) resource: Option<Members>,
    pub(super) precondition: Option<Members>,
    pub(super) message: Option<Text>,
    pub(super) context: Option<Members>,
    pub(super) is_suspect: bool,
    pub(super) agent: Text,
    pub(super) executor: Option<Text>,
    pub(super) server: Option<Text>,
    pub(super) rule: Option<Text>,
    pub(super) created: When,
    pub(super) expires: Option<String>,
    pub(super) reason: Text,
    pub(super) window: Option<Window>,
    pub(super) said: Vec<Said>,
    pub(super) result: Option<&'static str>,
    pub(super) digest: String,
    pub(super) policy: String,
    pub(super) now: String,
    pub(super) gesture: Option<Gesture>,
}

/// The template it is written with escapes every part.
impl HtmlSafe for Card {}

impl Card {
    /// For a list: as much as has room.
    pub(super) fn brief(engine: &Engine, record: &Record, visitor: &Visitor) -> Self {
        Self::new(engine, record, visitor, Some(ROOM), Draft::default())
    }

    /// For a page of its own: everything.
    pub(super) fn whole(engine: &Engine, record: &Record, visitor: &Visitor, draft: Draft) -> Self {
        Self::new(engine, record, visitor, None, draft)
    }

    /// The same, with nothing to be pressed.
    pub(super) fn shown_only(self) -> Self {
        Self { gesture: None, ..self }
    }

    fn new(
        engine: &Engine,
        record: &Record,
        visitor: &Visitor,
        room: Option<usize>,
        draft: Draft,
    ) -> Self {
        let Record { escalation, ask, history } = record;
        let moment = engine.moment(record);
        let action = ask.action.as_ref();
        let one = |name, value: &_| Members::one(name, value, room);
        let arguments = action.map(|action| Members::of(&action.arguments, room));
        let arguments = arguments.unwrap_or_default();
        let resource = action.and_then(|action| Some(one("on", action.resource.as_ref()?)));
        let precondition =
            action.and_then(|action| Some(one("only if", action.precondition.as_ref()?)));
        let context = ask.context.as_ref().map(|context| match context.as_object() {
            Some(members) => Members::of(members, room),
            None => one("context", context),
        });
        let message = (!ask.message.is_empty()).then(|| Text::new(&ask.message));
        let question = ask.question.as_ref().map(|question| Text::new(&question.text));
        let bound = [Some(&arguments), resource.as_ref(), precondition.as_ref()];
        let in_view = bound.iter().flatten().all(|members| !members.cut)
            && (action.is_some() || question.is_some());
        let is_suspect = bound.into_iter().flatten().chain(&context).any(Members::is_suspect)
            || [&message, &question].into_iter().flatten().any(Text::is_suspect);
        let permit = escalation.settled().and_then(Settled::permit);
        let unused = matches!(permit, Some(PermitState::Issued { .. }));
        let open = escalation.is_pending();
        let gesture = ((open || unused) && visitor.decides()).then(|| Gesture {
            token: visitor.form_token(),
            digest: escalation.digest().to_string(),
            way: match &ask.question {
                _ if unused => Way::TakeBack,
                Some(question) => Way::Answer(AnswerForm::of(question)),
                None if escalation.tier() == Tier::Soft => Way::Veto,
                None => Way::Choose,
            },
            signing: match (is_needed(record), visitor.signs) {
                (false, _) => Signing::NotNeeded,
                (true, true) => Signing::ByPasskey,
                (true, false) => Signing::Keyless,
            },
            approve: in_view,
            arguments: action
                .filter(|_| open && room.is_none())
                .map(|action| draft.arguments.clone().unwrap_or(editable(&action.arguments))),
            take: escalation.taken().is_none_or(|take| take.by != *visitor.person.name()),
            retract: escalation
                .approvals()
                .iter()
                .any(|approval| approval.by() == visitor.person.name()),
            draft,
        });
        let id = escalation.id().to_string();
        Self {
            short: id.get(id.len() - 8..).unwrap_or(&id).to_owned(),
            id,
            tier: escalation.tier().word(),
            state: escalation.settled().map_or("pending", |settled| settled.outcome.word()),
            whole: room.is_none(),
            tool: action.map(|action| Text::new(action.tool.as_str())),
            question,
            gist: action.map(gist).unwrap_or_default(),
            arguments,
            resource,
            precondition,
            message,
            context,
            is_suspect,
            agent: Text::new(escalation.agent().as_str()),
            executor: (escalation.executor() != escalation.agent())
                .then(|| Text::new(escalation.executor().as_str())),
            server: record.ask.server.as_deref().map(Text::new),
            rule: escalation.rule().map(|rule| Text::new(rule.as_str())),
            created: When::past(escalation.created_at(), moment.at),
            expires: escalation
                .is_pending()
                .then(|| Period::between(moment.at, escalation.expires_at()).about()),
            reason: Text::new(&reason(record, &moment)),
            window: window(record, &moment),
            said: history.iter().filter_map(|past| said(past, moment.at)).collect(),
            result: result(record),
            digest: escalation.digest().to_string(),
            policy: escalation.verdict().policy.to_string(),
            now: moment.at.to_string(),
            gesture,
        }
    }
}

fn gist(action: &sayso_core::Action) -> Text {
    let text = serde_json::to_string(&action.arguments).unwrap_or_default();
    match text.char_indices().nth(LINE) {
        Some((end, _)) => Text::new(&format!("{}…", &text[..end])),
        None => Text::new(&text),
    }
}

fn window(record: &Record, moment: &sayso_core::Moment) -> Option<Window> {
    let escalation = &record.escalation;
    let heard = escalation.heard(moment)?;
    let window = escalation.verdict().window;
    Some(Window {
        seconds: window.as_micros() / 1_000_000,
        heard: heard.as_micros() / 1_000_000,
        until: escalation.deadline(moment).map(|at| at.to_string()),
        left: window.minus(heard).about(),
        length: window.about(),
    })
}

fn said(past: &Past, now: Timestamp) -> Option<Said> {
    use sayso_core::escalation::Hardened;
    let did = match &past.event {
        Event::Approved { .. } => "approved",
        Event::Retracted { .. } => "took the approval back",
        Event::Edited { .. } => "changed the arguments",
        Event::Denied { .. } => "denied",
        Event::Vetoed { .. } => "vetoed",
        Event::Hardened { because: Hardened::Held { .. } } => "held",
        Event::Answered { .. } => "answered",
        Event::Taken { .. } => "took it",
        // How it went stands above; here is what the executor said of it.
        Event::Receipted { by: Some(_), .. } => "reported",
        _ => return None,
    };
    let comment = Record::remark(past).and_then(|remark| remark.comment);
    let by = match &past.event {
        Event::Receipted { by: Some(executor), .. } if comment.is_some() => executor.as_str(),
        event => event.person()?.as_str(),
    };
    Some(Said {
        by: Text::new(by),
        did,
        when: When::past(past.at, now),
        comment: comment.map(|comment| Text::new(&comment)),
    })
}

/// What came of a grant, where somebody should know at a glance.
fn result(record: &Record) -> Option<&'static str> {
    match record.escalation.settled()?.permit()? {
        PermitState::Issued { .. } => Some("not started yet"),
        PermitState::Revoked => None,
        PermitState::Started { receipt: None, .. } => Some("started"),
        PermitState::Started { receipt: Some(receipt), .. } => Some(match receipt.result {
            ReceiptResult::Succeeded => "done",
            ReceiptResult::Failed => "failed",
            ReceiptResult::Stale => "it no longer held, so nothing was done",
            ReceiptResult::Unknown => "nobody knows how it ended",
        }),
    }
}
