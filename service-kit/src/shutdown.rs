//! The end of a process: SIGTERM and SIGINT ask for it, once. The end of a part of it that is several tasks.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
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

/// Waits for all tasks of a part, named for the log, and cancels `ended`; the first that ends takes the others along, by
/// `closing`: one that fails by a defect, too.
pub async fn end_together(
    part: &'static str,
    mut tasks: JoinSet<()>,
    closing: CancellationToken,
    ended: CancellationToken,
) {
    while let Some(task) = tasks.join_next().await {
        if let Err(error) = task {
            tracing::error!(%error, part, "a task failed: closing its part");
        }
        closing.cancel();
    }
    ended.cancel();
}

async fn wait(mut terminate: Signal, mut interrupt: Signal, token: CancellationToken) {
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "shutting down");
    token.cancel();
}
