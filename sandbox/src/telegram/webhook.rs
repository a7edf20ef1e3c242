//! Posts updates to the bot's webhook, one after another, until each is answered with 200.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;

use super::World;

/// Telegram waits longer and longer; a stand-in needs no more than this.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs until its task is ended.
pub(super) async fn deliver(world: Arc<World>) {
    let client = Client::new();
    let mut changes = world.version.subscribe();
    loop {
        changes.mark_unchanged();
        let next = {
            let state = world.state();
            state.webhook.clone().zip(state.updates.front().cloned())
        };
        let Some((webhook, update)) = next else {
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        };
        let mut request = client.post(&webhook.url).timeout(DEADLINE).json(&update.body);
        if let Some(secret) = &webhook.secret {
            request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
        }
        let failed = match request.send().await {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("Wrong response from the webhook: {}", response.status())),
            Err(_) => Some("Connection failed".to_owned()),
        };
        let again = failed.is_some();
        world.change(|state| {
            if failed.is_none() {
                let sent = state
                    .updates
                    .iter()
                    .position(|queued| queued.id == update.id && queued.again == update.again);
                if let Some(sent) = sent {
                    state.updates.remove(sent);
                }
            }
            if let Some(webhook) = &mut state.webhook {
                webhook.last_error = failed;
            }
        });
        if again {
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
        }
    }
}
