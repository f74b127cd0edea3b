//! Hears of what other servers commit.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, Socket};
use uuid::Uuid;

use super::connection::Address;
use crate::Result;

/// How long to wait before trying again to reach a database that is away.
const REST: Duration = Duration::from_millis(500);

pub(super) struct Listener {
    address: Address,
    workspace: String,
    /// This server, whose own commits are no news.
    server: String,
    line: Mutex<Option<Line>>,
}

/// A connection that listens, as long as somebody polls it.
struct Line {
    connection: tokio_postgres::Connection<Socket, NoTlsStream>,
    /// Dropping it would end the connection.
    _client: Client,
}

/// What a listener heard.
pub(super) enum Heard {
    /// Another server committed; the index of its newest entry.
    Entry(u64),
    /// The connection was lost and is back: anything may have been missed.
    Gap,
}

impl Listener {
    pub(super) async fn open(address: Address, workspace: &str, server: Uuid) -> Result<Self> {
        let line = Mutex::new(Some(Line::open(&address).await?));
        Ok(Self { address, workspace: workspace.into(), server: server.to_string(), line })
    }

    /// Waits for news. May be cancelled and called again without missing any.
    pub(super) async fn next(&self) -> Heard {
        let mut line = self.line.lock().await;
        if let Some(open) = line.as_mut() {
            match poll_fn(|cx| self.poll_news(open, cx)).await {
                Some(newest) => return Heard::Entry(newest),
                None => *line = None,
            }
        }
        loop {
            match Line::open(&self.address).await {
                Ok(open) => {
                    *line = Some(open);
                    return Heard::Gap;
                }
                Err(error) => {
                    tracing::warn!(%error, "can't hear of other servers' commits");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// The newest of all entries that there is word of; none, when the connection has ended.
    fn poll_news(&self, line: &mut Line, cx: &mut Context<'_>) -> Poll<Option<u64>> {
        let mut newest = None;
        loop {
            match line.connection.poll_message(cx) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(note)))) => {
                    newest = newest.max(self.news(note.payload()));
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(None),
                Poll::Pending => return newest.map_or(Poll::Pending, |at| Poll::Ready(Some(at))),
            }
        }
    }

    /// The newest entry of `workspace:server:first:last`, if it is another server's and ours to
    /// know.
    fn news(&self, payload: &str) -> Option<u64> {
        let mut parts = payload.rsplitn(4, ':');
        let (last, _first, server, workspace) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if workspace != self.workspace || server == self.server {
            return None;
        }
        last.parse().ok()
    }
}

impl Line {
    async fn open(address: &Address) -> Result<Self> {
        let (client, mut connection) = address.connect().await?;
        {
            let ask = client.batch_execute("LISTEN sayso");
            tokio::pin!(ask);
            tokio::select! {
                biased;
                done = &mut ask => done?,
                // Nothing is heard before LISTEN is done, so nothing is lost here.
                never = poll_fn(|cx| drive(&mut connection, cx)) => never?,
            }
        }
        Ok(Self { connection, _client: client })
    }
}

/// Keeps a connection going until it ends.
fn drive(
    connection: &mut tokio_postgres::Connection<Socket, NoTlsStream>,
    cx: &mut Context<'_>,
) -> Poll<Result<()>> {
    loop {
        match connection.poll_message(cx) {
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error.into())),
            Poll::Ready(None) => {
                return Poll::Ready(Err(crate::StoreError::Unreachable("it hung up".into())));
            }
            Poll::Pending => return Poll::Pending,
        }
    }
}
