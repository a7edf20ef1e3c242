//! What must be known of an update before it is understood: its id and whose turn it takes.

use serde_json::Value;

/// An update as Telegram sent it.
pub(super) struct RawUpdate {
    pub id: i64,
    /// The chat, or the sender where there is no chat: what is handled one at a time.
    pub key: Option<String>,
    pub json: Value,
}

impl RawUpdate {
    /// `None`: it is no update at all.
    pub fn parse(json: Value) -> Option<RawUpdate> {
        let id = json.get("update_id")?.as_i64()?;
        let key = key(&json).map(|id| id.to_string());
        Some(RawUpdate { id, key, json })
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
