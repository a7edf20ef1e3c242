//! How updates reach the bot: getUpdates, and the webhook's settings; and the bot's own settings.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::World;
use super::api::{Answer, ApiError};
use super::chat::{Webhook, bot};
use super::params::Params;

/// Telegram's own bound of a long poll.
const LONGEST_POLL: u64 = 50;

impl World {
    pub(super) fn get_me() -> Value {
        let mut me = bot();
        for (name, value) in [
            ("can_join_groups", false),
            ("can_read_all_group_messages", false),
            ("supports_inline_queries", false),
            ("can_connect_to_business", false),
            ("has_main_web_app", false),
        ] {
            me[name] = json!(value);
        }
        me
    }

    /// Waits for updates; a newer call ends an older one, as there can be one poller only.
    pub(super) async fn get_updates(&self, params: &Params) -> Answer {
        let offset = params.int("offset").unwrap_or(0);
        let limit = params.int("limit").unwrap_or(100).clamp(1, 100);
        let limit = usize::try_from(limit).unwrap_or(100);
        let wait = params.int("timeout").unwrap_or(0).max(0);
        let wait = u64::try_from(wait).unwrap_or(0).min(LONGEST_POLL);
        let deadline = Instant::now() + Duration::from_secs(wait);
        let mine = self.change(|state| {
            if let Some(allowed) = params.json("allowed_updates") {
                state.allowed_updates = strings(&allowed);
            }
            state.poll += 1;
            state.poll
        });
        let mut changes = self.version.subscribe();
        loop {
            changes.mark_unchanged();
            {
                let mut state = self.state();
                if state.webhook.is_some() {
                    return Err(ApiError::conflict(
                        "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
                    ));
                }
                if state.poll != mine {
                    return Err(ApiError::conflict(
                        "terminated by other getUpdates request; make sure that only one bot instance is running",
                    ));
                }
                let taken = state.take_updates(offset, limit);
                if !taken.is_empty() {
                    return Ok(Value::Array(taken));
                }
            }
            if timeout_at(deadline, changes.changed()).await.is_err() {
                return Ok(json!([]));
            }
        }
    }

    pub(super) fn set_webhook(&self, params: &Params) -> Answer {
        let url = params.text("url").unwrap_or_default();
        if url.is_empty() {
            return Ok(self.delete_webhook(params));
        }
        if url::Url::parse(&url).is_err() {
            return Err(ApiError::bad("bad webhook: invalid webhook URL specified"));
        }
        self.change(|state| {
            if params.flag("drop_pending_updates") {
                state.updates.clear();
            }
            if let Some(allowed) = params.json("allowed_updates") {
                state.allowed_updates = strings(&allowed);
            }
            state.webhook =
                Some(Webhook { url, secret: params.text("secret_token"), last_error: None });
        });
        Ok(json!(true))
    }

    pub(super) fn delete_webhook(&self, params: &Params) -> Value {
        self.change(|state| {
            state.webhook = None;
            if params.flag("drop_pending_updates") {
                state.updates.clear();
            }
        });
        json!(true)
    }

    pub(super) fn webhook_info(&self) -> Value {
        let state = self.state();
        let mut info = json!({"url": "", "has_custom_certificate": false, "pending_update_count": state.updates.len()});
        if let Some(webhook) = &state.webhook {
            info["url"] = json!(webhook.url);
            if let Some(error) = &webhook.last_error {
                info["last_error_message"] = json!(error);
            }
        }
        info
    }

    pub(super) fn set_my_commands(&self, params: &Params) -> Answer {
        let Some(commands) = params.json("commands").filter(Value::is_array) else {
            return Err(ApiError::bad("can't parse BotCommand"));
        };
        let language = params.text("language_code").unwrap_or_default();
        self.change(|state| state.commands.insert(language, commands));
        Ok(json!(true))
    }

    pub(super) fn delete_my_commands(&self, params: &Params) -> Value {
        let language = params.text("language_code").unwrap_or_default();
        self.change(|state| state.commands.remove(&language));
        json!(true)
    }

    pub(super) fn get_chat(&self, params: &Params) -> Answer {
        let id = params.chat_id()?;
        let state = self.state();
        let chat = state.chats.get(&id).ok_or_else(|| ApiError::bad("chat not found"))?;
        let mut full = chat.chat();
        full["accent_color_id"] = json!(0);
        full["max_reaction_count"] = json!(11);
        full["accepted_gift_types"] = json!({"unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false,
            "premium_subscription": false});
        Ok(full)
    }
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
