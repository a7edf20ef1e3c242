//! How long billing-svc takes to start on SQLite.

use secrecy::SecretString;

use super::numbers;
use super::results::Process;
use super::stage::Stage;
use crate::bench::servers::Billing;

/// Of each: on a new file, and once more on the same.
const STARTS: usize = 5;

/// Starts it on new files, and again on each; fills in the medians.
///
/// # Errors
/// It does not start.
pub async fn measure(stage: &Stage, process: &mut Process) -> anyhow::Result<()> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for start in 0..STARTS {
        let file = stage.folder().join(format!("start-{start}.db"));
        let url = SecretString::from(format!("sqlite://{}?mode=rwc", file.display()));
        for times in [&mut first, &mut again] {
            let billing = Billing::start(stage.folder(), stage.callers(), &url).await?;
            times.push(billing.started_in().as_secs_f64() * 1e3);
            tokio::task::spawn_blocking(move || drop(billing)).await?;
        }
    }
    process.start_sqlite_ms = numbers::median(&first);
    process.restart_sqlite_ms = numbers::median(&again);
    Ok(())
}
