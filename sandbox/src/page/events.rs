//! The newest events of all users, kept for the panel. They are followed through `WatchEvents` as any other consumer
//! would, and not acknowledged: a sandbox that starts again shows what happened before.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proto::billing::v1::{
    Event, Grant, Unit, WatchEventsRequest, WatchEventsResponse, event::Body,
};
use proto::client::EventClient;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::money::{amount, millis, refund_reason, standing};

/// The name under which billing-svc knows the panel.
const CONSUMER: &str = "sandbox-panel";
/// Older events are forgotten.
const KEPT: usize = 2_000;
/// So many are shown of one user.
const SHOWN: usize = 100;
/// The pause before a stream that broke is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// Events as the panel shows them, oldest first.
#[derive(Debug, Default)]
pub(super) struct Events(Mutex<VecDeque<(String, Value)>>);

impl Events {
    /// A user's newest events, newest first.
    pub(super) fn of(&self, user_id: &str) -> Vec<Value> {
        let kept = self.kept();
        let own = kept.iter().rev().filter(|(user, _)| user == user_id);
        own.take(SHOWN).map(|(_, event)| event.clone()).collect()
    }

    /// Follows until its task is ended; opens the stream again where it broke.
    pub(super) async fn follow(self: Arc<Self>, client: EventClient) {
        let mut position = None;
        loop {
            let request = WatchEventsRequest { consumer: CONSUMER.to_owned(), after: position };
            if let Ok(mut stream) = client.watch_events(request).await {
                while let Ok(Some(WatchEventsResponse { event, .. })) = stream.message().await {
                    if let Some(event) = event {
                        position = Some(event.position);
                        self.keep(&event);
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }

    fn keep(&self, event: &Event) {
        let mut kept = self.kept();
        kept.push_back((event.user_id.clone(), shown(event)));
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(String, Value)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(event: &Event) -> Value {
    let mut shown = event.body.as_ref().map_or_else(|| json!({}), body);
    shown["position"] = json!(event.position);
    shown["time"] = json!(millis(event.create_time.as_ref()));
    shown
}

fn body(body: &Body) -> Value {
    match body {
        Body::PaymentChanged(changed) => json!({
            "what": "payment",
            "payment": changed.payment_id,
            "provider": word(changed.provider().as_str_name(), "PAYMENT_PROVIDER_"),
            "state": word(changed.state().as_str_name(), "PAYMENT_STATE_"),
            "park": word(changed.park_reason().as_str_name(), "PARK_REASON_"),
            "amount": amount(changed.amount.as_ref()),
        }),
        Body::RefundChanged(changed) => json!({
            "what": "refund",
            "payment": changed.payment_id,
            "origin": word(changed.origin().as_str_name(), "REFUND_ORIGIN_"),
            "state": word(changed.state().as_str_name(), "REFUND_STATE_"),
            "amount": amount(changed.amount.as_ref()),
        }),
        Body::OperationRefunded(settled) | Body::OperationExpired(settled) => json!({
            "what": "operation",
            "kind": settled.kind,
            "amount": amount(settled.refunded.as_ref()),
            "free": settled.free_operations,
            "reason": refund_reason(settled.reason()),
        }),
        Body::GrantExpiring(expiring) => {
            let grant = expiring.grant.clone().unwrap_or_default();
            let (free, left) = (grant.operations_remaining, grant.amount_remaining.as_ref());
            gift("expiring", &grant, free, amount(left))
        }
        Body::GrantGiven(given) => {
            let grant = given.grant.clone().unwrap_or_default();
            let (free, all) = (grant.operations_given, grant.amount_given.as_ref());
            let mut shown = gift("grant", &grant, free, amount(all));
            shown["cause"] = json!(word(given.cause().as_str_name(), "GIFT_CAUSE_"));
            shown
        }
        Body::StandingChanged(changed) => json!({
            "what": "standing",
            "to": standing(changed.to()),
            "amount": amount(changed.paid_balance.as_ref()),
        }),
    }
}

fn gift(what: &str, grant: &Grant, free: i64, amount: String) -> Value {
    let counts = grant.unit() == Unit::Operation;
    json!({"what": what, "free": counts.then_some(free), "amount": (!counts).then_some(amount)})
}

fn word<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.trim_start_matches(prefix)
}
