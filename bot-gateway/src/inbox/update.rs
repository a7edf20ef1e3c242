//! What must be known of an update before it is understood: its id, which queue it goes to and whose turn it takes.

use serde_json::Value;

use crate::payments::stars;

/// An update as Telegram sent it.
pub(super) struct RawUpdate {
    pub id: i64,
    /// What is handled one at a time: the chat, or the sender where there is no chat. What is said about money paid has a
    /// turn of its own, for which the chat does not wait.
    pub key: Option<String>,
    /// Telegram waits for the answer for ten seconds: nothing may stand before it.
    pub is_urgent: bool,
    pub json: Value,
}

impl RawUpdate {
    /// `None`: it is no update at all.
    pub fn parse(json: Value) -> Option<RawUpdate> {
        let id = json.get("update_id")?.as_i64()?;
        let is_urgent = json.get("pre_checkout_query").is_some();
        let is_money = stars::of_update(&json).is_some();
        let key = match key(&json) {
            Some(_) if is_urgent => None,
            Some(id) if is_money => Some(format!("stars-{id}")),
            id => id.map(|id| id.to_string()),
        };
        Some(RawUpdate { id, key, is_urgent, json })
    }
}

fn key(update: &Value) -> Option<i64> {
    let kinds = update.as_object()?.values().filter(|value| value.is_object());
    kinds
        .flat_map(|body| {
            [body.pointer("/chat/id"), body.pointer("/message/chat/id"), body.pointer("/from/id")]
        })
        .flatten()
        .find_map(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RawUpdate;

    #[test]
    fn an_update_takes_the_turn_of_its_chat() {
        let cases = [
            (
                json!({"update_id": 1, "message": {"chat": {"id": -1001234567890_i64}, "from": {"id": 7}}}),
                Some("-1001234567890"),
            ),
            (
                json!({"update_id": 2, "callback_query": {"from": {"id": 7}, "message": {"chat": {"id": 8}}}}),
                Some("8"),
            ),
            (
                json!({"update_id": 3, "callback_query": {"from": {"id": 7}, "inline_message_id": "x"}}),
                Some("7"),
            ),
            (
                json!({"update_id": 4, "my_chat_member": {"chat": {"id": 9}, "from": {"id": 9}}}),
                Some("9"),
            ),
            (json!({"update_id": 5, "poll": {"id": "p"}}), None),
            (json!({"update_id": 6, "pre_checkout_query": {"id": "q", "from": {"id": 7}}}), None),
            (
                json!({"update_id": 7, "message": {"chat": {"id": 7}, "successful_payment": {}}}),
                Some("stars-7"),
            ),
        ];
        for (json, key) in cases {
            let update = RawUpdate::parse(json).unwrap();
            assert_eq!(update.key.as_deref(), key, "update {}", update.id);
        }
    }

    #[test]
    fn what_has_no_id_is_no_update() {
        for json in [
            json!({}),
            json!([]),
            json!("x"),
            json!({"update_id": "1"}),
            json!({"update_id": 1.5}),
            json!(null),
        ] {
            assert!(RawUpdate::parse(json).is_none());
        }
    }
}
