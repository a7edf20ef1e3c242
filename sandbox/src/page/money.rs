//! What billing-svc knows about a user, as the page shows it. Amounts are decimal strings made here from micros:
//! what is there is rounded down to kopecks, and no float is near.

use std::time::Duration;

use proto::billing::v1::{
    Entry, Funding, Operation, OperationState, RefundReason, Standing, Unit, UserInfo,
    funding::Source,
};
use proto::client::CallError;
use proto::google::r#type::Money;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Stage, payments};

/// After this the page says that billing doesn't answer, whatever the client still tries.
const PATIENCE: Duration = Duration::from_secs(2);

/// billing-svc's name of a Telegram user.
pub(super) fn user_id(telegram_id: i64) -> String {
    format!("tg:{telegram_id}")
}

/// User, operations, payments and entries, or `{"error"}`.
pub(super) async fn snapshot(stage: &Stage, telegram_id: i64) -> Value {
    let (operator, id) = (&stage.operator, user_id(telegram_id));
    let all = async {
        tokio::try_join!(
            operator.user(&id),
            operator.operations(&id),
            operator.payments_of(&id),
            operator.entries(&id)
        )
    };
    match timeout(PATIENCE, all).await {
        Ok(Ok((user, operations, payments, entries))) => json!({
            "user": shown_user(&user),
            "operations": operations.iter().map(shown_operation).collect::<Vec<_>>(),
            "payments": payments.iter().map(|payment| payments::shown(stage, payment)).collect::<Vec<_>>(),
            "entries": entries.iter().map(shown_entry).collect::<Vec<_>>(),
        }),
        Ok(Err(error)) => json!({"error": reason(&error)}),
        Err(_) => json!({"error": "UNAVAILABLE"}),
    }
}

/// A word that the page knows: the reason, else the code.
pub(super) fn reason(error: &CallError) -> String {
    if error.reason.is_empty() { "UNAVAILABLE".to_owned() } else { error.reason.clone() }
}

fn shown_user(user: &UserInfo) -> Value {
    json!({
        "user_id": user.user_id,
        "balance": amount(user.balance.as_ref()),
        "paid": amount(user.paid_balance.as_ref()),
        "held": amount(user.held.as_ref()),
        "free_left": user.free_operations_left,
        "free_total": user.free_operations_total,
        "standing": standing(user.standing()),
    })
}

fn shown_operation(operation: &Operation) -> Value {
    let state = operation.state();
    json!({
        "id": operation.operation_id,
        "kind": operation.kind,
        "quantity": operation.quantity,
        "state": state.as_str_name().trim_start_matches("OPERATION_STATE_"),
        "open": state == OperationState::Charged,
        "price": amount(operation.price.as_ref()),
        "funding": operation.funding.iter().filter_map(shown_funding).collect::<Vec<_>>(),
        "refund_reason": refund_reason(operation.refund_reason()),
        "decline_reason": operation.decline_reason,
        "create_time": millis(operation.create_time.as_ref()),
        "settle_time": millis(operation.settle_time.as_ref()),
    })
}

fn shown_funding(funding: &Funding) -> Option<Value> {
    Some(match funding.source.as_ref()? {
        Source::FreeOperations(free) => json!({"free": free.count}),
        Source::Promotional(promotional) => {
            json!({"promotional": amount(promotional.amount.as_ref())})
        }
        Source::Balance(balance) => json!({"balance": amount(balance.amount.as_ref())}),
    })
}

fn shown_entry(entry: &Entry) -> Value {
    let free = entry.unit() == Unit::Operation;
    json!({
        "sequence": entry.sequence,
        "from": entry.from_account,
        "to": entry.to_account,
        "amount": (!free).then(|| amount(entry.amount.as_ref())),
        "operations": free.then_some(entry.operations),
        "after": (!free).then(|| amount(entry.balance_after.as_ref())),
        "operations_after": free.then_some(entry.operations_after),
        "operation_id": entry.operation_id,
        "payment_id": entry.payment_id,
        "create_time": millis(entry.create_time.as_ref()),
    })
}

/// A word of the API without its prefix.
pub(super) fn standing(standing: Standing) -> &'static str {
    standing.as_str_name().trim_start_matches("STANDING_")
}

/// Likewise; `None` where nothing came back.
pub(super) fn refund_reason(reason: RefundReason) -> Option<&'static str> {
    match reason {
        RefundReason::Unspecified => None,
        reason => Some(reason.as_str_name().trim_start_matches("REFUND_REASON_")),
    }
}

/// A decimal with kopecks.
pub(super) fn amount(money: Option<&Money>) -> String {
    let Some(money) = money else {
        return "0.00".to_owned();
    };
    // Kopecks, rounded towards minus infinity.
    let kopecks = i128::from(money.units) * 100 + i128::from(money.nanos.div_euclid(10_000_000));
    let sign = if kopecks < 0 { "-" } else { "" };
    let absolute = kopecks.unsigned_abs();
    format!("{sign}{}.{:02}", absolute / 100, absolute % 100)
}

/// Unix milliseconds.
pub(super) fn millis(time: Option<&prost_types::Timestamp>) -> Option<i64> {
    time.map(|time| time.seconds * 1000 + i64::from(time.nanos / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn kopecks_are_always_shown_and_rounded_down() {
        let shown = |micros| amount(Some(&proto::money::from_micros(micros, "RUB")));
        assert_eq!(shown(12_500_000), "12.50");
        assert_eq!(shown(409_999), "0.40");
        assert_eq!(shown(-1), "-0.01");
        assert_eq!(shown(-12_500_000), "-12.50");
        assert_eq!(amount(None), "0.00");
    }
}
