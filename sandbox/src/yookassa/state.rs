//! Everything that YooKassa keeps, and the changes that its own side and the payer make.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::SHOP_ID;
use super::amount::Amount;
use super::api::{Call, Request};
use super::payment::{Cancellation, Method, Payment, Refund, Status};
use crate::clock::unix_millis;
use crate::faults::Faults;
use crate::notices::Outbox;

/// Older requests are forgotten.
const REQUESTS_KEPT: usize = 10_000;
/// 2000-01-01T00:00:00Z: YooKassa's ids begin with the seconds since then.
const IDS_SINCE: i64 = 946_684_800;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// In the order in which they were made.
    pub(super) payments: Vec<Payment>,
    pub(super) refunds: Vec<Refund>,
    /// By idempotence key.
    pub(super) answered: BTreeMap<String, Answered>,
    pub(super) outbox: Outbox,
    /// Refunds stay pending until they are finished by hand.
    pub(super) slow_refunds: bool,
    /// A payment without a receipt is refused.
    pub(super) receipts_required: bool,
    #[serde(skip)]
    pub(super) faults: Faults<Call>,
    #[serde(skip)]
    pub(super) requests: VecDeque<Request>,
}

/// What a POST was answered, for the next one with its key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) path: String,
    pub(super) body: Value,
    pub(super) answer: Value,
}

impl State {
    pub(super) fn record(&mut self, request: Request) {
        self.requests.push_back(request);
        if self.requests.len() > REQUESTS_KEPT {
            self.requests.pop_front();
        }
    }

    /// A payment of the shop that asks.
    pub(super) fn own(&self, id: &str) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.id == id && payment.account_id == SHOP_ID)
    }

    pub(super) fn payment(&self, id: &str) -> anyhow::Result<&Payment> {
        self.payments.iter().find(|payment| payment.id == id).context("no such payment")
    }

    pub(super) fn payment_mut(&mut self, id: &str) -> anyhow::Result<&mut Payment> {
        self.payments.iter_mut().find(|payment| payment.id == id).context("no such payment")
    }

    /// Kopecks of a payment that were given back.
    pub(super) fn refunded(&self, payment_id: &str) -> i64 {
        self.refunds_of(payment_id, |status| status == Status::Succeeded)
    }

    /// Kopecks of a payment that can still be refunded.
    pub(super) fn refundable(&self, payment: &Payment) -> i64 {
        payment.amount.kopecks - self.refunds_of(&payment.id, |status| status != Status::Canceled)
    }

    fn refunds_of(&self, payment_id: &str, counts: impl Fn(Status) -> bool) -> i64 {
        let refunds = self.refunds.iter().filter(|refund| refund.payment_id == payment_id);
        refunds.filter(|refund| counts(refund.status)).map(|refund| refund.amount.kopecks).sum()
    }

    pub(super) fn shown(&self, payment: &Payment, origin: &str) -> Value {
        payment.shown(self.refunded(&payment.id), origin)
    }

    /// The payer has paid, as much as `amount` says where it is given.
    pub(super) fn pay(
        &mut self,
        id: &str,
        method: Method,
        amount: Option<Amount>,
        origin: &str,
    ) -> anyhow::Result<()> {
        let payment = self.payment_mut(id)?;
        if payment.paid() {
            bail!("payment {id} is paid already");
        }
        payment.method = Some(method);
        payment.cancellation = None;
        if let Some(amount) = amount {
            payment.amount = amount;
        }
        if payment.capture {
            self.capture(id, None, origin)
        } else {
            payment.status = Status::WaitingForCapture;
            self.tell(id, "payment.waiting_for_capture", origin)
        }
    }

    pub(super) fn capture(
        &mut self,
        id: &str,
        amount: Option<Amount>,
        origin: &str,
    ) -> anyhow::Result<()> {
        let payment = self.payment_mut(id)?;
        payment.status = Status::Succeeded;
        payment.captured_at = Some(unix_millis());
        if let Some(amount) = amount {
            payment.amount = amount;
        }
        self.tell(id, "payment.succeeded", origin)
    }

    pub(super) fn cancel(
        &mut self,
        id: &str,
        cancellation: Cancellation,
        origin: &str,
    ) -> anyhow::Result<()> {
        let payment = self.payment_mut(id)?;
        if payment.status == Status::Succeeded {
            bail!("payment {id} is paid already");
        }
        payment.status = Status::Canceled;
        payment.cancellation = Some(cancellation);
        self.tell(id, "payment.canceled", origin)
    }

    fn tell(&mut self, id: &str, event: &str, origin: &str) -> anyhow::Result<()> {
        let object = self.shown(self.payment(id)?, origin);
        self.outbox.push(notice(event, &object));
        Ok(())
    }

    /// The notification about how a payment stands now; `None` while it is pending.
    pub(super) fn notice_of(&self, id: &str, origin: &str) -> Option<Value> {
        if let Some(refund) = self.refunds.iter().find(|refund| refund.id == id) {
            let succeeded = refund.status == Status::Succeeded;
            return succeeded.then(|| notice("refund.succeeded", &refund.shown()));
        }
        let payment = self.payments.iter().find(|payment| payment.id == id)?;
        let waits = payment.status == Status::Pending;
        let event = format!("payment.{}", payment.status.name());
        (!waits).then(|| notice(&event, &self.shown(payment, origin)))
    }

    /// Gives money back to the payer; checked by the caller.
    pub(super) fn refund(
        &mut self,
        payment_id: &str,
        amount: Amount,
        description: Option<String>,
        receipt: bool,
    ) -> &Refund {
        let refund = Refund {
            id: fresh_id("0015"),
            payment_id: payment_id.to_owned(),
            status: if self.slow_refunds { Status::Pending } else { Status::Succeeded },
            amount,
            description,
            receipt,
            cancellation: None,
            created_at: unix_millis(),
        };
        if refund.status == Status::Succeeded {
            self.outbox.push(notice("refund.succeeded", &refund.shown()));
        }
        self.refunds.push(refund);
        &self.refunds[self.refunds.len() - 1]
    }

    /// Ends a pending refund. YooKassa tells of those that succeeded only.
    pub(super) fn finish_refund(&mut self, id: &str, succeeded: bool) -> anyhow::Result<()> {
        let refund = self.refunds.iter_mut().find(|refund| refund.id == id);
        let refund = refund.context("no such refund")?;
        if refund.status != Status::Pending {
            bail!("refund {id} is not pending");
        }
        if succeeded {
            refund.status = Status::Succeeded;
            let object = refund.shown();
            self.outbox.push(notice("refund.succeeded", &object));
        } else {
            refund.status = Status::Canceled;
            refund.cancellation = Some(Cancellation::new("yoo_money", "insufficient_funds"));
        }
        Ok(())
    }
}

fn notice(event: &str, object: &Value) -> Value {
    json!({"type": "notification", "event": event, "object": object})
}

/// An id in YooKassa's form: seconds, what it is ("000f" a payment, "0015" a refund), and something unique.
pub(super) fn fresh_id(kind: &str) -> String {
    let seconds = unix_millis() / 1000 - IDS_SINCE;
    let unique = rand::random::<u64>();
    let variant = 8 + (unique >> 62);
    format!("{seconds:08x}-{kind}-5000-{variant:x}000-1{:011x}", unique & 0xfff_ffff_ffff)
}
