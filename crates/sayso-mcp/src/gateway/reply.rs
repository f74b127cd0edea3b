//! The way back to a client: what belongs to one of its requests, and what comes by itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::{Notify, mpsc};

use super::subscriptions;

/// How many frames a stream keeps for a client that does not read them. Notifications beyond that
/// are left out.
const UNREAD: usize = 4_096;

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
    frames: Vec<Arc<str>>,
    is_complete: bool,
    is_paused: bool,
}

/// What comes next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A frame, with others to follow.
    Frame(Arc<str>),
    /// The answer.
    Answer(Arc<str>),
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
        self.sent().frames.is_empty()
    }

    fn push(&self, frame: String, is_answer: bool) {
        let mut sent = self.sent();
        if sent.is_complete || (!is_answer && sent.frames.len() >= UNREAD) {
            return;
        }
        sent.frames.push(frame.into());
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
                match sent.frames.get(read).cloned() {
                    Some(frame) if sent.is_complete && read + 1 == sent.frames.len() => {
                        return Next::Answer(frame);
                    }
                    Some(frame) => return Next::Frame(frame),
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
        assert_eq!(waiting.await.unwrap(), Next::Frame("one".into()));
        reply.pause();
        assert_eq!(stream.after(1).await, Next::Pause);
        reply.answer("two".into()).await;
        reply.tell("late".into()).await;
        assert_eq!(stream.after(0).await, Next::Frame("one".into()));
        assert_eq!(stream.after(1).await, Next::Answer("two".into()));
        assert_eq!(stream.after(2).await, Next::End);
    }

    #[tokio::test]
    async fn a_flood_of_notifications_does_not_keep_the_answer_away() {
        let stream = Arc::new(Stream::default());
        let reply = Reply::Stream(Arc::clone(&stream));
        for _ in 0..2 * UNREAD {
            reply.tell("n".into()).await;
        }
        reply.answer("a".into()).await;
        assert_eq!(stream.after(UNREAD).await, Next::Answer("a".into()));
    }
}
