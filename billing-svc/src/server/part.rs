//! The parts of the service that run side by side.

use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A part of the service, running. When it ends by itself, everything shuts down.
pub(super) struct Part {
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Part {
    pub(super) fn start<F>(
        down: &CancellationToken,
        part: impl FnOnce(CancellationToken) -> F,
    ) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let running = part(stop.clone());
        let ended = down.clone().drop_guard();
        let running = tokio::spawn(async move {
            let _ended = ended;
            running.await
        });
        Self { stop, running }
    }

    /// A part that has nothing to fail with.
    pub(super) fn background<F>(
        down: &CancellationToken,
        part: impl FnOnce(CancellationToken) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start(down, |stop| {
            let run = part(stop);
            async {
                run.await;
                Ok(())
            }
        })
    }

    /// Tells it to stop and waits; what takes longer than `bound` is cut off.
    pub(super) async fn stop(mut self, name: &'static str, bound: Duration) -> anyhow::Result<()> {
        self.stop.cancel();
        match tokio::time::timeout(bound, &mut self.running).await {
            Ok(ended) => ended.with_context(|| format!("{name} panicked"))?,
            Err(_) => {
                tracing::warn!(name, ?bound, "did not end in time and is cut off");
                self.running.abort();
                Ok(())
            }
        }
    }
}
