//! Accepts connections, and makes sure that the dead ones are noticed.

use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

/// How long the other side may leave what was sent to it unacknowledged. A closed laptop stops
/// acknowledging; from then on nobody listens there.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// A listener whose connections send at once and die when the other side has gone silent.
pub(crate) struct Patient(pub(crate) TcpListener);

impl axum::serve::Listener for Patient {
    type Io = TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (TcpStream, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, from)) => {
                    let socket = SockRef::from(&stream);
                    let set = socket
                        .set_tcp_nodelay(true)
                        .and_then(|()| socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
                    if let Err(error) = set {
                        tracing::debug!(%error, "a connection was gone before it was set up");
                        continue;
                    }
                    return (stream, from);
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept connections");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}
