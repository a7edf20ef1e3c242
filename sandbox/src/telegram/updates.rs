//! The queue of updates: an update stays until the bot confirms it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chat::State;

const DELIVERED_KEPT: usize = 1000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Update {
    pub(super) id: i64,
    /// As the Bot API shows it.
    pub(super) body: Value,
    /// A second delivery: it is sent whatever offset the bot has reached, and once.
    pub(super) again: bool,
}

impl State {
    /// Queues an update of one kind ("message", "callback_query", …); answers its id.
    pub(super) fn push_update(&mut self, kind: &str, content: &Value) -> i64 {
        let id = self.next_update_id;
        self.next_update_id += 1;
        if !self.allowed_updates.is_empty()
            && !self.allowed_updates.iter().any(|allowed| allowed == kind)
        {
            return id;
        }
        let mut body = json!({ "update_id": id });
        body[kind] = content.clone();
        let update = Update { id, body, again: false };
        self.updates.push_back(update.clone());
        if self.twice > 0 {
            if self.twice != u32::MAX {
                self.twice -= 1;
            }
            self.updates.push_back(Update { again: true, ..update.clone() });
        }
        self.delivered.push_back(update);
        if self.delivered.len() > DELIVERED_KEPT {
            self.delivered.pop_front();
        }
        id
    }

    pub(super) fn redeliver(&mut self, update_id: i64) -> bool {
        let known = self.delivered.iter().find(|update| update.id == update_id);
        let Some(update) = known.cloned() else {
            return false;
        };
        self.updates.push_back(Update { again: true, ..update });
        true
    }

    /// What getUpdates answers. An offset confirms everything below it; a negative one leaves that many from the end.
    pub(super) fn take_updates(&mut self, offset: i64, limit: usize) -> Vec<Value> {
        if offset > 0 {
            self.updates.retain(|update| update.again || update.id >= offset);
        } else if offset < 0 {
            let keep = usize::try_from(-offset).unwrap_or(usize::MAX);
            while self.updates.len() > keep {
                self.updates.pop_front();
            }
        }
        let bodies = self.updates.iter().take(limit);
        let taken: Vec<Value> = bodies.map(|update| update.body.clone()).collect();
        let mut place = 0;
        self.updates.retain(|update| {
            place += 1;
            !(update.again && place <= limit)
        });
        taken
    }
}
