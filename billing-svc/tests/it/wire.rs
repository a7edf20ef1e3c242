//! A wire to a PostgreSQL that can be cut: at the next COMMIT, at the next statement that is a transaction of its own and is run
//! for the first time, or altogether.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::harness::Database;

/// Where the wire is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    Not,
    /// The server never sees the COMMIT.
    BeforeCommit,
    /// The server sees it, its answer is lost.
    AfterCommit,
}

pub struct Wire {
    pub address: String,
    cut: Arc<AtomicU8>,
    /// Cancelled while the wire is down.
    down: Arc<Mutex<CancellationToken>>,
}

impl Wire {
    pub async fn to(database: &Database) -> Self {
        let server = database.server_address();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let cut = Arc::new(AtomicU8::new(Cut::Not as u8));
        let down = Arc::new(Mutex::new(CancellationToken::new()));
        tokio::spawn(accept(listener, server, cut.clone(), down.clone()));
        Self { address, cut, down }
    }

    pub fn cut_next(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }

    /// Cuts every connection, and new ones at once.
    pub fn go_down(&self) {
        self.down.lock().unwrap().cancel();
    }

    pub fn come_back(&self) {
        *self.down.lock().unwrap() = CancellationToken::new();
    }
}

async fn accept(
    listener: TcpListener,
    server: String,
    cut: Arc<AtomicU8>,
    down: Arc<Mutex<CancellationToken>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&server).await.unwrap();
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        let (cut, down) = (cut.clone(), down.lock().unwrap().clone());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = down.cancelled() => {}
                () = ask(from_client, to_server, cut) => {}
                () = answer(from_server, to_client) => {}
            }
        });
    }
}

/// Client to server; ends where it is cut, and with it both directions.
async fn ask(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, cut: Arc<AtomicU8>) {
    let mut buffer = vec![0; 65_536];
    let mut prepared = false;
    while let Ok(read @ 1..) = client.read(&mut buffer).await {
        let bytes = &buffer[..read];
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        // It is parsed first, and run when the server said that it makes sense: by a Bind.
        let commit = holds(b"COMMIT") || (prepared && bytes.starts_with(b"B"));
        prepared = holds(b"1 / (CASE rows");
        let cut = if commit { cut.swap(Cut::Not as u8, Ordering::SeqCst) } else { 0 };
        if cut == Cut::BeforeCommit as u8 {
            return;
        }
        if server.write_all(bytes).await.is_err() || cut == Cut::AfterCommit as u8 {
            return;
        }
    }
}

async fn answer(mut server: OwnedReadHalf, mut client: OwnedWriteHalf) {
    tokio::io::copy(&mut server, &mut client).await.ok();
}
