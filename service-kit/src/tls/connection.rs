//! Accepted connections, plain or TLS, as tonic takes them.

use std::{
    future::Future,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Sleep, sleep},
};
use tokio_rustls::server::TlsStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::server::Connected;

use super::{Tls, handshake::shake_hands};

/// Handshakes under way at once; who comes then waits in the listener's backlog.
const MAX_HANDSHAKES: usize = 256;
/// When the process has no file descriptor left, connections that end give some back.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Who is at the other end of a connection. In the extensions of each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where it calls from.
    pub address: SocketAddr,
    /// The DNS names and URIs in the certificate that it showed and that was found good; empty where none was asked for.
    pub names: Arc<[String]>,
}

/// An accepted connection.
pub struct Connection {
    io: Io,
    peer: Peer,
    /// When it is cut off.
    end: Option<Pin<Box<Sleep>>>,
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Accepts connections; with `tls`, those whose handshake succeeds. Each is cut off after `longest`, whatever is under way on it.
pub fn incoming(
    listener: TcpListener,
    tls: Option<Tls>,
    longest: Option<Duration>,
) -> impl Stream<Item = io::Result<Connection>> + Send + Unpin {
    let accepted = stream::unfold(listener, async |listener| {
        let next = accept(&listener).await;
        Some((next, listener))
    });
    let secured = accepted
        .map(move |(stream, address)| {
            let tls = tls.clone();
            // A task each, so that handshakes go on side by side; gone with the server that waits for it.
            AbortOnDropHandle::new(tokio::spawn(secure(tls, stream, address)))
        })
        .buffer_unordered(MAX_HANDSHAKES)
        .filter_map(async |done| match done {
            Ok(secured) => secured,
            Err(error) => {
                tracing::error!(%error, "a TLS handshake broke");
                None
            }
        });
    secured
        .map(move |(io, peer)| {
            let end = longest.map(|longest| Box::pin(sleep(longest)));
            Ok(Connection { io, peer, end })
        })
        .boxed()
}

/// The next connection. What can't be accepted is logged, and waited out where it would come again at once.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if of_the_peer(&error) => tracing::debug!(%error, "a peer left at once"),
            Err(error) => {
                tracing::error!(%error, "connections can't be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn of_the_peer(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == io::ErrorKind::ConnectionAborted
        || kind == io::ErrorKind::ConnectionReset
        || kind == io::ErrorKind::ConnectionRefused
}

async fn secure(tls: Option<Tls>, stream: TcpStream, address: SocketAddr) -> Option<(Io, Peer)> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a peer left at once");
        return None;
    }
    let Some(tls) = tls else {
        return Some((Io::Plain(stream), Peer { address, names: Arc::new([]) }));
    };
    let (stream, names) = shake_hands(tls, stream, address).await?;
    Some((Io::Tls(Box::new(stream)), Peer { address, names: names.into() }))
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl Connection {
    /// An error once its time is over; the task is woken for that.
    fn poll_end(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match &mut self.end {
            Some(end) => match end.as_mut().poll(context) {
                Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
                Poll::Pending => Ok(()),
            },
            None => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_end(context)?;
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Io::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_end(context)?;
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Io::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_end(context)?;
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Io::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(stream) => stream.is_write_vectored(),
            Io::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_flush(context),
            Io::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Io::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
