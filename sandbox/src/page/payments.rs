//! A user's payments as the panel shows them, and what can be done to each where it stands now.

use proto::billing::v1::{ParkReason, Payment, PaymentProvider, PaymentState};
use proto::google::r#type::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Stage;
use super::money::{amount, millis};
use crate::yookassa::YookassaStandIn;

const NANOS: i128 = 1_000_000_000;

/// What a person at the panel can do to a payment: as its payer, in the provider's cabinet, or as an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    /// The payer pays, without the checkout page.
    Pay,
    /// The payer pays another amount than was asked for.
    PayOther,
    /// The payer turns back.
    Cancel,
    /// The payer pays after the end.
    PayLate,
    /// The provider notifies once more.
    Notify,
    /// The provider notifies twice at the same time.
    NotifyTwice,
    /// Somebody who is not the provider notifies of a payment that was not made.
    Forge,
    /// The shop refunds in the provider's cabinet.
    CabinetRefund,
    /// The payer's bank takes the money back; told to an administrator by letter.
    Dispute,
    /// The dispute ends for the shop.
    DisputeWon,
    /// The dispute ends for the payer.
    DisputeLost,
    /// An administrator refunds.
    Refund,
    /// An administrator credits what waits for a person.
    Credit,
}

/// A payment, with what can be done to it: pairs of an act and whether it applies now. There are none where the
/// provider is real.
pub(super) fn shown(stage: &Stage, payment: &Payment) -> Value {
    let park = match payment.park_reason() {
        ParkReason::Unspecified => None,
        reason => Some(reason.as_str_name().trim_start_matches("PARK_REASON_")),
    };
    let provider = payment.provider().as_str_name().trim_start_matches("PAYMENT_PROVIDER_");
    json!({
        "id": payment.payment_id,
        "provider": provider,
        "state": payment.state().as_str_name().trim_start_matches("PAYMENT_STATE_"),
        "park": park,
        "amount": amount(payment.amount.as_ref()),
        "price": payment.price.as_ref().map(price),
        "received": payment.received.as_ref().map(price),
        "credited": amount(payment.credited.as_ref()),
        "refunded": amount(payment.refunded.as_ref()),
        "left": amount(Some(&left(payment))),
        "method": payment.method,
        "repeats": !payment.repeat_of.is_empty(),
        "create_time": millis(payment.create_time.as_ref()),
        "acts": acts(stage, payment),
    })
}

/// What a provider counts: Stars are whole.
pub(super) fn price(money: &Money) -> Value {
    json!({"value": amount(Some(money)), "currency": money.currency_code})
}

/// May this be done to the payment now?
pub(super) fn applies(stage: &Stage, payment: &Payment, act: Act) -> bool {
    acts(stage, payment).contains(&(act, true))
}

fn acts(stage: &Stage, payment: &Payment) -> Vec<(Act, bool)> {
    match (payment.provider(), &stage.yookassa, &stage.telegram) {
        (PaymentProvider::Yookassa, Some(yookassa), _) => {
            let mut acts = at_yookassa(yookassa, payment);
            acts.extend(dispute(payment));
            acts.extend(by_administrator(payment));
            acts
        }
        (PaymentProvider::TelegramStars, _, Some(_)) => by_administrator(payment).to_vec(),
        (
            PaymentProvider::Unspecified
            | PaymentProvider::Yookassa
            | PaymentProvider::TelegramStars
            | PaymentProvider::Sandbox,
            _,
            _,
        ) => Vec::new(),
    }
}

fn at_yookassa(yookassa: &YookassaStandIn, payment: &Payment) -> Vec<(Act, bool)> {
    let id = &payment.provider_payment_id;
    let known = yookassa.payment(id).unwrap_or_default();
    let pending = known["status"] == "pending";
    let canceled = known["status"] == "canceled";
    let told = yookassa.notification_of(id).is_some();
    vec![
        (Act::Pay, pending),
        (Act::PayOther, pending),
        (Act::Cancel, pending),
        (Act::PayLate, canceled),
        (Act::Notify, told),
        (Act::NotifyTwice, told),
        (Act::Forge, pending || canceled),
        (Act::CabinetRefund, known["refundable"] == true),
    ]
}

fn dispute(payment: &Payment) -> [(Act, bool); 3] {
    let disputed = payment.state() == PaymentState::Disputed;
    [(Act::Dispute, has_money(payment)), (Act::DisputeWon, disputed), (Act::DisputeLost, disputed)]
}

fn by_administrator(payment: &Payment) -> [(Act, bool); 2] {
    let parked = payment.park_reason() != ParkReason::Unspecified;
    [(Act::Refund, parked || has_money(payment)), (Act::Credit, parked)]
}

/// Was it credited, and not given back in whole?
fn has_money(payment: &Payment) -> bool {
    let credited = matches!(payment.state(), PaymentState::Credited | PaymentState::Refunded);
    let left = left(payment);
    credited && (left.units, left.nanos) > (0, 0)
}

/// What was credited less what went back.
fn left(payment: &Payment) -> Money {
    let nanos = |money: Option<&Money>| {
        money.map_or(0, |money| i128::from(money.units) * NANOS + i128::from(money.nanos))
    };
    let left = nanos(payment.credited.as_ref()) - nanos(payment.refunded.as_ref());
    Money {
        currency_code: crate::system::CURRENCY.to_owned(),
        units: i64::try_from(left / NANOS).unwrap_or_default(),
        nanos: i32::try_from(left % NANOS).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_borrows_from_the_whole_rubles() {
        let money = |micros| Some(proto::money::from_micros(micros, "RUB"));
        let left = |credited, refunded| left(&Payment { credited, refunded, ..Default::default() });
        assert_eq!(Some(left(money(300_000_000), money(99_500_000))), money(200_500_000));
        assert_eq!(Some(left(money(300_000_000), None)), money(300_000_000));
        assert_eq!(Some(left(None, None)), money(0));
    }
}
