//! The benchmark: a load generator that anybody may point at any billing-svc, and the suite that measures Kopilka side by
//! side with what it is compared to.

pub mod load;

/// Runs the command line.
///
/// # Errors
/// Something can't be started, reached or written; its text says what.
pub async fn run() -> anyhow::Result<()> {
    anyhow::bail!("under construction")
}
