//! Serving HTTP in a task that ends with its owner, and the misbehaviours that every stand-in can show.

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running HTTP server; dropping it closes the listener.
#[derive(Debug)]
pub(crate) struct Server {
    task: JoinHandle<()>,
}

impl Server {
    /// Serves until dropped. Must be called inside a tokio runtime.
    pub(crate) fn start(listener: TcpListener, router: Router) -> Self {
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "a stand-in stopped serving");
            }
        });
        Self { task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `http://address` of a listener.
pub(crate) fn url_of(listener: &TcpListener) -> String {
    match listener.local_addr() {
        Ok(address) => format!("http://{address}"),
        Err(_) => "http://127.0.0.1".to_owned(),
    }
}

/// Closes the caller's connection without an answer: unwinding the connection's task is the one way that axum leaves,
/// and `resume_unwind` prints nothing.
pub(crate) fn drop_connection() -> ! {
    std::panic::resume_unwind(Box::new("the connection is dropped on purpose"))
}

/// Never answers; an hour is longer than any client waits.
pub(crate) async fn hang() {
    tokio::time::sleep(Duration::from_secs(3600)).await;
}
