//! The list of a bot's transactions, as far as we read it. <https://core.telegram.org/bots/api#startransaction>

use serde::Deserialize;
use uuid::Uuid;

use crate::ledger::{
    Amount, PaymentId, ProviderAmount, ProviderStatus, Report, ReportedRefund, ReportedRefundState,
    UserId,
};
use crate::payments::catalogue::STARS;
use crate::payments::provider::{Found, Listed};

/// Before the ids of users who come from Telegram.
pub(super) const USER: &str = "tg:";
/// Billionths of a Star in a micro of one.
const NANOS_PER_MICRO: i64 = 1_000;

#[derive(Deserialize)]
pub(super) struct Transactions {
    pub transactions: Vec<Transaction>,
}

#[derive(Deserialize)]
pub(super) struct Transaction {
    id: String,
    amount: i64,
    #[serde(default)]
    nanostar_amount: i64,
    source: Option<Partner>,
    receiver: Option<Partner>,
}

#[derive(Deserialize)]
struct Partner {
    r#type: String,
    /// Absent before Bot API 8.3.
    transaction_type: Option<String>,
    user: Option<User>,
    invoice_payload: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: i64,
}

impl Partner {
    /// A user's payment of an invoice, or its refund; not a gift, a withdrawal, a subscription of another kind.
    fn is_invoice(&self) -> bool {
        let kind = self.transaction_type.as_deref();
        self.r#type == "user" && kind.is_none_or(|kind| kind == "invoice_payment")
    }

    fn payment_id(&self) -> Option<PaymentId> {
        Uuid::try_parse(self.invoice_payload.as_deref()?).ok().map(PaymentId)
    }

    fn payer(&self) -> Option<UserId> {
        UserId::parse(format!("{USER}{}", self.user.as_ref()?.id)).ok()
    }
}

impl Transaction {
    /// `None`: no payment of an invoice.
    pub fn listed(self) -> Option<Listed> {
        let micros = self.amount.checked_mul(1_000_000)?;
        let micros = micros.checked_add(self.nanostar_amount / NANOS_PER_MICRO)?;
        let amount = Amount::from_micros(micros);
        let received = ProviderAmount { amount, currency: STARS.to_owned() };
        let refund = ReportedRefund {
            // A refund has no id of its own, and there is one at most.
            provider_refund_id: self.id.clone(),
            amount: received.clone(),
            dispute: false,
            state: ReportedRefundState::Succeeded,
        };
        let (partner, refund) = match (self.source, self.receiver) {
            (Some(source), None) if source.invoice_payload.is_some() => (source, None),
            (None, Some(receiver)) => (receiver, Some(refund)),
            _ => return None,
        };
        if !partner.is_invoice() {
            return None;
        }
        let report = Report {
            provider_payment_id: self.id.clone(),
            status: ProviderStatus::Paid,
            // A payment in Stars is given back whole or not at all.
            received: received.clone(),
            method: None,
            refunds: refund.iter().cloned().collect(),
        };
        Some(Listed {
            provider_payment_id: self.id,
            payment_id: partner.payment_id(),
            paid: refund.is_none().then(|| received.clone()),
            refunded: refund.is_some().then_some(received),
            found: Some(Found { payment_id: partner.payment_id(), payer: partner.payer(), report }),
            refund,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(transaction: serde_json::Value) -> Option<Listed> {
        serde_json::from_value::<Transaction>(transaction).unwrap().listed()
    }

    #[test]
    fn only_payments_of_invoices_and_their_refunds_count() {
        let payload = Uuid::now_v7().to_string();
        let user = json!({"type": "user", "transaction_type": "invoice_payment", "user": {"id": 7}, "invoice_payload": payload});
        let paid = listed(json!({"id": "a", "amount": 75, "date": 1, "source": user})).unwrap();
        assert_eq!(paid.paid.unwrap().amount, Amount::units(75));
        assert_eq!(paid.refunded, None);
        let found = paid.found.unwrap();
        assert_eq!(found.payer.unwrap().as_str(), "tg:7");
        assert_eq!(found.payment_id.unwrap().to_string(), payload);

        let back = listed(json!({"id": "a", "amount": 75, "date": 2, "receiver": user})).unwrap();
        assert_eq!((back.paid.is_none(), back.refund.is_some()), (true, true));

        for other in [
            json!({"id": "b", "amount": 1, "date": 1, "source": {"type": "fragment"}}),
            json!({"id": "c", "amount": 1, "date": 1, "receiver": {"type": "fragment"}}),
            json!({"id": "d", "amount": 1, "date": 1, "source": {"type": "user", "transaction_type": "paid_media_payment", "user": {"id": 7}}}),
            json!({"id": "e", "amount": 1, "date": 1, "receiver": {"type": "user", "transaction_type": "gift_purchase", "user": {"id": 7}}}),
        ] {
            assert_eq!(listed(other.clone()), None, "{other}");
        }
    }

    #[test]
    fn parts_of_a_star_are_not_lost() {
        let user = json!({"type": "user", "user": {"id": 7}, "invoice_payload": "x"});
        let transaction = json!({"id": "a", "amount": 1, "nanostar_amount": 500_000_000, "date": 1, "source": user});
        assert_eq!(listed(transaction).unwrap().paid.unwrap().amount.micros(), 1_500_000);
    }
}
