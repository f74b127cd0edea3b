//! The way back to a client: what belongs to one of its requests, and what comes by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::{Notify, mpsc};

use super::subscriptions;

/// How many frames a stream keeps, and how many bytes. Beyond that those that were read are
/// forgotten, and further notifications left out.
const KEPT: (usize, usize) = (4_096, 16 * 1024 * 1024);

/// Where frames for a client go, in order.
#[derive(Clone)]
pub(super) enum Reply {
    /// To a client that has one way for everything.
    Pipe(mpsc::Sender<String>),
    /// To a stream of its own.
    Stream(Arc<Stream>),
    /// As another one, but questions of the server's go to who asked it on the client's behalf.
    Between { questions: mpsc::Sender<String>, rest: Box<Reply> },
    /// To a client's subscription of that id, from one of ours, which is `ready` when its server
    /// has acknowledged it.
    Feed { id: Box<RawValue>, to: Box<Reply>, ready: mpsc::Sender<()> },
    /// To nobody.
    Nobody,
}

impl Reply {
    /// A frame on the way to the answer, or without one.
    pub(super) async fn tell(&self, frame: String) {
        match self {
            // A client that is gone is told nothing.
            Self::Pipe(pipe) => drop(pipe.send(frame).await),
            Self::Stream(stream) => stream.push(frame, false),
            Self::Between { rest, .. } => Box::pin(rest.tell(frame)).await,
            Self::Feed { id, to, ready } => match subscriptions::under(&frame, id) {
                Some(frame) => Box::pin(to.tell(frame)).await,
                None => drop(ready.try_send(())),
            },
            Self::Nobody => {}
        }
    }

    /// Whether anybody can be asked a question on this way.
    pub(super) fn is_heard(&self) -> bool {
        !matches!(self, Self::Nobody | Self::Feed { .. })
    }

    /// The answer, the last that there is to tell.
    pub(super) async fn answer(&self, frame: String) {
        match self {
            Self::Stream(stream) => stream.push(frame, true),
            _ => self.tell(frame).await,
        }
    }

    /// The server closed the way before its answer: the client may ask again for what comes.
    pub(super) fn pause(&self) {
        match self {
            Self::Stream(stream) => {
                stream.sent().is_paused = true;
                stream.news.notify_waiters();
            }
            Self::Between { rest, .. } => rest.pause(),
            Self::Pipe(_) | Self::Feed { .. } | Self::Nobody => {}
        }
    }
}

/// Frames that are read by whoever asks for them, from any place on.
#[derive(Default)]
pub(super) struct Stream {
    sent: Mutex<Sent>,
    news: Notify,
}

#[derive(Default)]
struct Sent {
    frames: VecDeque<Arc<str>>,
    bytes: usize,
    /// How many came before those.
    forgotten: usize,
    /// How many have been read, the forgotten ones included.
    read: usize,
    is_complete: bool,
    is_paused: bool,
}

impl Sent {
    fn total(&self) -> usize {
        self.forgotten + self.frames.len()
    }

    /// Whether there is no place for that frame.
    fn is_full(&self, frame: &str) -> bool {
        self.frames.len() >= KEPT.0 || self.bytes + frame.len() > KEPT.1
    }

    fn forget_one(&mut self) {
        let frame = self.frames.pop_front();
        self.bytes -= frame.map_or(0, |frame| frame.len());
        self.forgotten += 1;
    }
}

/// What comes next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A frame, with others to follow, and how many have been read with it.
    Frame(Arc<str>, usize),
    /// The answer, likewise.
    Answer(Arc<str>, usize),
    /// Nothing for now: ask again later.
    Pause,
    /// Nothing more.
    End,
}

impl Stream {
    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that has nothing to say any more.
    pub(super) fn ended() -> Arc<Self> {
        let sent = Sent { is_complete: true, ..Sent::default() };
        Arc::new(Self { sent: Mutex::new(sent), news: Notify::new() })
    }

    /// Whether nothing has been said yet.
    pub(super) fn is_empty(&self) -> bool {
        self.sent().total() == 0
    }

    fn push(&self, frame: String, is_answer: bool) {
        let mut sent = self.sent();
        while sent.is_full(&frame) && sent.forgotten < sent.read {
            sent.forget_one();
        }
        if sent.is_complete || (!is_answer && sent.is_full(&frame)) {
            return;
        }
        sent.bytes += frame.len();
        sent.frames.push_back(frame.into());
        sent.is_complete = is_answer;
        drop(sent);
        self.news.notify_waiters();
    }

    /// What comes after the first `read` frames, as soon as it is there.
    pub(super) async fn after(&self, read: usize) -> Next {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            {
                let mut sent = self.sent();
                sent.read = sent.read.max(read.min(sent.total()));
                let next = read.max(sent.forgotten);
                match sent.frames.get(next - sent.forgotten).cloned() {
                    Some(frame) if sent.is_complete && next + 1 == sent.total() => {
                        return Next::Answer(frame, next + 1);
                    }
                    Some(frame) => return Next::Frame(frame, next + 1),
                    None if sent.is_complete => return Next::End,
                    None if std::mem::take(&mut sent.is_paused) => return Next::Pause,
                    None => {}
                }
            }
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_read_again_from_any_place() {
        let stream = Arc::new(Stream::default());
        let reply = Reply::Stream(Arc::clone(&stream));
        let waiting = tokio::spawn({
            let stream = Arc::clone(&stream);
            async move { stream.after(0).await }
        });
        reply.tell("one".into()).await;
        assert_eq!(waiting.await.unwrap(), Next::Frame("one".into(), 1));
        reply.pause();
        assert_eq!(stream.after(1).await, Next::Pause);
        reply.answer("two".into()).await;
        reply.tell("late".into()).await;
        assert_eq!(stream.after(0).await, Next::Frame("one".into(), 1));
        assert_eq!(stream.after(1).await, Next::Answer("two".into(), 2));
        assert_eq!(stream.after(2).await, Next::End);
    }

    #[tokio::test]
    async fn a_flood_of_notifications_does_not_keep_the_answer_away() {
        let stream = Arc::new(Stream::default());
        let reply = Reply::Stream(Arc::clone(&stream));
        for _ in 0..2 * KEPT.0 {
            reply.tell("n".into()).await;
        }
        reply.answer("a".into()).await;
        assert_eq!(stream.after(KEPT.0).await, Next::Answer("a".into(), KEPT.0 + 1));
        let stream = Arc::new(Stream::default());
        let reply = Reply::Stream(Arc::clone(&stream));
        for _ in 0..5 {
            reply.tell("n".repeat(KEPT.1 / 4)).await;
        }
        reply.answer("a".into()).await;
        assert_eq!(stream.after(4).await, Next::Answer("a".into(), 5));
    }

    #[tokio::test]
    async fn a_stream_that_is_read_goes_on_for_ever() {
        let stream = Arc::new(Stream::default());
        let reply = Reply::Stream(Arc::clone(&stream));
        for read in 0..3 * KEPT.0 {
            reply.tell(read.to_string()).await;
            assert_eq!(stream.after(read).await, Next::Frame(read.to_string().into(), read + 1));
        }
        // Who asks for what is forgotten gets what there is.
        let oldest = stream.after(0).await;
        assert!(matches!(oldest, Next::Frame(_, number) if number > KEPT.0), "{oldest:?}");
    }
}
