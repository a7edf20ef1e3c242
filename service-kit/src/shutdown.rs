//! The end of a process: SIGTERM and SIGINT ask for it, once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is canceled at the first SIGTERM or SIGINT. Call it within the runtime and before anything starts: from then
/// on these signals no longer end the process by themselves.
pub fn on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => {
            tokio::spawn(wait(terminate, interrupt, token.clone()));
        }
        (Err(error), _) | (_, Err(error)) => {
            // A service that can't be asked to stop must not start.
            tracing::error!(%error, "signals can't be watched, shutting down");
            token.cancel();
        }
    }
    token
}

async fn wait(mut terminate: Signal, mut interrupt: Signal, token: CancellationToken) {
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "shutting down");
    token.cancel();
}
