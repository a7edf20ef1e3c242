//! `kopilka-example bot`, `kopilka-example worker` or `kopilka-example web`, configured by its environment.

use kopilka_example::{bot, web, worker};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    match std::env::args().nth(1).as_deref() {
        Some("bot") => bot::run().await,
        Some("worker") => worker::run().await,
        Some("web") => web::run().await,
        _ => anyhow::bail!("say which: kopilka-example bot, worker or web"),
    }
}
