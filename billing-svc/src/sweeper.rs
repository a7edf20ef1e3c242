//! Expired holds and grants → commands, like any other caller.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::committer::Committer;
use crate::store::Store;

/// Sweeps every `interval` until `shutdown`.
pub async fn run(_store: Store, _committer: Committer, _interval: Duration, _shutdown: CancellationToken) {
    todo!()
}
