//! What the payer and the bank can do; for tests and the chat page. Ids are the bank's; [`SandboxBank::id_of`] finds one
//! by the shop's.

use anyhow::{Context, bail};
use futures::future::join_all;
use serde_json::Value;
use tokio::sync::watch;

use super::state::{Call, RefundState, Status, notice};
use super::{Failure, SandboxBank};
use crate::notices::post;
use crate::yookassa::amount::{Amount, kopecks};

impl SandboxBank {
    /// Every payment as the bank shows it, newest first.
    pub fn payments(&self) -> Vec<Value> {
        let state = self.world.keep.state();
        state.payments.iter().rev().map(super::state::Payment::shown).collect()
    }

    /// One payment as the bank shows it.
    pub fn payment(&self, id: &str) -> Option<Value> {
        self.world.keep.state().payment(id).ok().map(super::state::Payment::shown)
    }

    /// The bank's id of the shop's `payment_id`.
    pub fn id_of(&self, payment_id: &str) -> Option<String> {
        let state = self.world.keep.state();
        let found = state.payments.iter().find(|payment| payment.payment_id == payment_id);
        found.map(|payment| payment.id.clone())
    }

    /// Returns once the shop has made this payment, and answers its id.
    pub async fn created(&self, payment_id: &str) -> String {
        let found = self.world.keep.until(|state| {
            let found = state.payments.iter().find(|payment| payment.payment_id == payment_id);
            found.map(|payment| payment.id.clone())
        });
        found.await
    }

    /// The payer pays.
    ///
    /// # Errors
    /// It is paid, canceled or unknown.
    pub fn pay(&self, id: &str) -> anyhow::Result<()> {
        self.settle(id, Status::Pending, Status::Paid, None)
    }

    /// A payment that was canceled is paid all the same.
    ///
    /// # Errors
    /// It is not canceled or unknown.
    pub fn pay_late(&self, id: &str) -> anyhow::Result<()> {
        self.settle(id, Status::Canceled, Status::Paid, None)
    }

    /// Another amount (`"99.00"`) or currency is paid than was asked for.
    ///
    /// # Errors
    /// It is paid, canceled or unknown; `value` is no amount.
    pub fn pay_other(&self, id: &str, value: &str, currency: &str) -> anyhow::Result<()> {
        let kopecks = kopecks(value).context("not an amount")?;
        let amount = Amount { kopecks, currency: currency.to_owned() };
        self.settle(id, Status::Pending, Status::Paid, Some(amount))
    }

    /// The payer turns back.
    ///
    /// # Errors
    /// It is paid, canceled or unknown.
    pub fn cancel(&self, id: &str) -> anyhow::Result<()> {
        self.settle(id, Status::Pending, Status::Canceled, None)
    }

    fn settle(
        &self,
        id: &str,
        from: Status,
        to: Status,
        amount: Option<Amount>,
    ) -> anyhow::Result<()> {
        self.edit(id, |payment| {
            if payment.status != from {
                bail!("payment {id} is {:?}", payment.status);
            }
            payment.status = to;
            payment.amount = amount.unwrap_or_else(|| payment.amount.clone());
            Ok(())
        })
    }

    /// The bank gives back all that is left, or a part (`"30.00"`); answers the refund's id.
    ///
    /// # Errors
    /// It is not paid or unknown; less than that is left.
    pub fn refund(&self, id: &str, value: Option<&str>) -> anyhow::Result<String> {
        let wanted = value.map(|value| kopecks(value).context("not an amount")).transpose()?;
        self.edit(id, |payment| {
            let wanted = wanted.unwrap_or_else(|| payment.refundable());
            Ok(payment.refund(None, wanted, false)?.id)
        })
    }

    /// The payer disputes all that is left; answers the id of the refund that is pending from now on.
    ///
    /// # Errors
    /// It is not paid or unknown; nothing is left.
    pub fn open_dispute(&self, id: &str) -> anyhow::Result<String> {
        self.edit(id, |payment| Ok(payment.refund(None, payment.refundable(), true)?.id))
    }

    /// The newest open dispute of a payment ends: `won` by the shop, which keeps the money, or lost.
    ///
    /// # Errors
    /// There is none; the payment is unknown.
    pub fn close_dispute(&self, id: &str, won: bool) -> anyhow::Result<()> {
        self.edit(id, |payment| {
            let mut refunds = payment.refunds.iter_mut().rev();
            let open =
                refunds.find(|refund| refund.dispute && refund.state == RefundState::Pending);
            let dispute = open.context("no dispute is open")?;
            dispute.state = if won { RefundState::Canceled } else { RefundState::Succeeded };
            Ok(())
        })
    }

    fn edit<T>(
        &self,
        id: &str,
        edit: impl FnOnce(&mut super::state::Payment) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.world.keep.change(|state| state.edit(id, edit))
    }

    /// What was paid less what was refunded for good, in micros of `currency`.
    pub fn paid_less_refunded(&self, currency: &str) -> i64 {
        let state = self.world.keep.state();
        let paid = state.payments.iter().filter(|payment| {
            payment.status == Status::Paid && payment.amount.currency == currency
        });
        paid.map(|payment| (payment.amount.kopecks - payment.refunded()) * 10_000).sum()
    }

    /// Where notifications go. Nobody is notified before this.
    pub fn notify_at(&self, url: impl Into<String>) {
        let url = url.into();
        self.world.keep.change(|state| state.outbox.url = Some(url));
    }

    /// What happens from now on is never told; `false` ends that.
    pub fn drop_notifications(&self, dropping: bool) {
        self.world.keep.change(|state| state.outbox.dropping = dropping);
    }

    /// How many notifications the shop has not taken yet.
    pub fn untaken(&self) -> usize {
        self.world.keep.state().outbox.waiting()
    }

    /// Notifies of a payment `times` times at once, whatever its state, and answers the statuses (0 for no answer).
    ///
    /// # Errors
    /// There is nobody to be told.
    pub async fn notify_in_parallel(&self, id: &str, times: usize) -> anyhow::Result<Vec<u16>> {
        let url = self.world.keep.state().outbox.url.clone();
        let url = url.context("nobody has said where notifications go")?;
        let body = notice(id).to_string();
        let posts = (0..times).map(|_| post(&self.world.client, &url, body.clone().into_bytes()));
        Ok(join_all(posts).await)
    }

    /// The next `times` calls of any kind meet `failure`. `u32::MAX` is forever.
    pub fn fail_next(&self, failure: Failure, times: u32) {
        self.world.keep.change(|state| state.faults.plan(None, failure, times));
    }

    /// The next `times` calls of one kind meet `failure`.
    pub fn fail_call(&self, call: Call, failure: Failure, times: u32) {
        self.world.keep.change(|state| state.faults.plan(Some(call), failure, times));
    }

    /// No call fails any more.
    pub fn behave(&self) {
        self.world.keep.change(|state| state.faults.clear());
    }

    /// Changes with everything that happens here.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.world.keep.changes()
    }
}
