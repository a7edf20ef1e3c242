//! The bank's book: payments, and what was given back of each.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::faults::Faults;
use crate::notices::Outbox;
use crate::yookassa::amount::Amount;

/// What can be asked of the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `POST /payments`.
    CreatePayment,
    /// `GET /payments/{id}`.
    GetPayment,
    /// `GET /payments`.
    ListPayments,
    /// `POST /refunds`.
    CreateRefund,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Pending,
    Paid,
    Canceled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefundState {
    Pending,
    Succeeded,
    Canceled,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Payment {
    pub(super) id: String,
    /// The shop's id of it.
    pub(super) payment_id: String,
    pub(super) status: Status,
    /// What was paid, or is to be paid.
    pub(super) amount: Amount,
    /// What the shop asked for.
    asked: Amount,
    pub(super) return_url: String,
    pub(super) refunds: Vec<Refund>,
    /// Which change of the book was the last of this payment.
    pub(super) change: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    /// The shop's id of it; `None` for one that the bank made.
    pub(super) refund_id: Option<String>,
    pub(super) amount: Amount,
    pub(super) dispute: bool,
    pub(super) state: RefundState,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) payments: Vec<Payment>,
    changes: u64,
    pub(super) outbox: Outbox,
    #[serde(skip)]
    pub(super) faults: Faults<Call>,
}

impl Payment {
    /// As `GET /payments/{id}` shows it.
    pub(super) fn shown(&self) -> Value {
        let refunds = self.refunds.iter().map(|refund| {
            json!({"id": refund.id, "amount": decimal(&refund.amount), "dispute": refund.dispute,
                "state": refund.state})
        });
        json!({"id": self.id, "payment_id": self.payment_id, "status": self.status,
            "amount": decimal(&self.amount), "currency": self.amount.currency,
            "refunds": refunds.collect::<Vec<_>>()})
    }

    pub(super) fn confirmation_url(&self, origin: &str) -> String {
        format!("{origin}/pay/{}", self.id)
    }

    /// Hundredths that can still be refunded.
    pub(super) fn refundable(&self) -> i64 {
        self.amount.kopecks - self.sum(|state| state != RefundState::Canceled)
    }

    /// Hundredths that were given back for good.
    pub(super) fn refunded(&self) -> i64 {
        self.sum(|state| state == RefundState::Succeeded)
    }

    fn sum(&self, counts: impl Fn(RefundState) -> bool) -> i64 {
        let refunds = self.refunds.iter().filter(|refund| counts(refund.state));
        refunds.map(|refund| refund.amount.kopecks).sum()
    }

    /// Gives back `kopecks`; answers the bank's id of it.
    pub(super) fn refund(
        &mut self,
        refund_id: Option<&str>,
        kopecks: i64,
        dispute: bool,
    ) -> anyhow::Result<Refund> {
        if self.status != Status::Paid {
            bail!("payment {} is not paid", self.id);
        }
        if kopecks <= 0 || kopecks > self.refundable() {
            bail!("{} hundredths of payment {} are left", self.refundable(), self.id);
        }
        let refund = Refund {
            id: fresh_id("refund"),
            refund_id: refund_id.map(str::to_owned),
            amount: self.amount.with(kopecks),
            dispute,
            state: if dispute { RefundState::Pending } else { RefundState::Succeeded },
        };
        self.refunds.push(refund.clone());
        Ok(refund)
    }
}

impl State {
    pub(super) fn payment(&self, id: &str) -> anyhow::Result<&Payment> {
        self.payments.iter().find(|payment| payment.id == id).context("no such payment")
    }

    /// Changes a payment, and tells the shop that something did.
    pub(super) fn edit<T>(
        &mut self,
        id: &str,
        edit: impl FnOnce(&mut Payment) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let payment = self.payments.iter_mut().find(|payment| payment.id == id);
        let payment = payment.context("no such payment")?;
        let result = edit(payment)?;
        self.changes += 1;
        payment.change = self.changes;
        self.outbox.push(notice(id));
        Ok(result)
    }

    /// The payment of this shop's id, made when missing; `Err` when it was made with another amount.
    pub(super) fn create(
        &mut self,
        payment_id: &str,
        amount: Amount,
        return_url: &str,
    ) -> anyhow::Result<&Payment> {
        let known = self.payments.iter().position(|payment| payment.payment_id == payment_id);
        if let Some(index) = known {
            let payment = &self.payments[index];
            if payment.asked != amount {
                bail!("payment_id was used with another amount");
            }
            return Ok(payment);
        }
        self.changes += 1;
        self.payments.push(Payment {
            id: fresh_id("bank"),
            payment_id: payment_id.to_owned(),
            status: Status::Pending,
            asked: amount.clone(),
            amount,
            return_url: return_url.to_owned(),
            refunds: Vec::new(),
            change: self.changes,
        });
        Ok(&self.payments[self.payments.len() - 1])
    }

    /// What changed after `cursor`, oldest change first, with the next cursor and whether there is more.
    pub(super) fn changed(&self, cursor: u64, limit: usize) -> (Vec<&Payment>, u64, bool) {
        let after = self.payments.iter().filter(|payment| payment.change > cursor);
        let mut after: Vec<_> = after.collect();
        after.sort_by_key(|payment| payment.change);
        let more = after.len() > limit;
        after.truncate(limit);
        let cursor = after.last().map_or(cursor, |payment| payment.change);
        (after, cursor, more)
    }
}

pub(super) fn notice(id: &str) -> Value {
    json!({ "payment": id })
}

fn decimal(amount: &Amount) -> String {
    crate::yookassa::amount::decimal(amount.kopecks)
}

fn fresh_id(kind: &str) -> String {
    format!("{kind}-{}", Uuid::new_v4().simple())
}
