//! What the payer, the shop's cabinet and YooKassa itself can do; for tests and the chat page.
//!
//! Ids are YooKassa's; [`YookassaStandIn::id_of`] finds one by what the shop wrote into the metadata.

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::sync::watch;

use super::amount::{Amount, kopecks};
use super::api::{Call, Request};
use super::payment::{Cancellation, Method, Payment, Status};
use super::{Failure, SHOP_ID, YookassaStandIn, checkout};

impl YookassaStandIn {
    /// Every payment as the API shows it, newest first; other shops' too.
    pub fn payments(&self) -> Vec<Value> {
        let state = self.world.keep.state();
        let payments = state.payments.iter().rev();
        payments.map(|payment| state.shown(payment, &self.world.origin)).collect()
    }

    /// One payment as the API shows it.
    pub fn payment(&self, id: &str) -> Option<Value> {
        let state = self.world.keep.state();
        let payment = state.payment(id).ok()?;
        Some(state.shown(payment, &self.world.origin))
    }

    /// The refunds of a payment as the API shows them, oldest first.
    pub fn refunds_of(&self, id: &str) -> Vec<Value> {
        let state = self.world.keep.state();
        let refunds = state.refunds.iter().filter(|refund| refund.payment_id == id);
        refunds.map(super::payment::Refund::shown).collect()
    }

    /// The id of the newest payment that has `value` somewhere in its metadata.
    pub fn id_of(&self, value: &str) -> Option<String> {
        let state = self.world.keep.state();
        let has = |payment: &&Payment| payment.metadata.values().any(|held| held == value);
        state.payments.iter().rev().find(has).map(|payment| payment.id.clone())
    }

    /// Returns once there is a payment with `value` in its metadata, and answers its id.
    pub async fn created(&self, value: &str) -> String {
        let has = |payment: &&Payment| payment.metadata.values().any(|held| held == value);
        let found = self
            .world
            .keep
            .until(|state| state.payments.iter().rev().find(has).map(|payment| payment.id.clone()));
        found.await
    }

    /// The payer pays, by card.
    ///
    /// # Errors
    /// It is paid, canceled or unknown.
    pub fn pay(&self, id: &str) -> anyhow::Result<()> {
        self.pay_with(id, Method::BankCard)
    }

    /// The payer pays.
    ///
    /// # Errors
    /// It is paid, canceled or unknown.
    pub fn pay_with(&self, id: &str, method: Method) -> anyhow::Result<()> {
        let origin = &self.world.origin;
        self.world.keep.change(|state| {
            if state.payment(id)?.status != Status::Pending {
                bail!("payment {id} can't be paid any more");
            }
            state.pay(id, method, None, origin)
        })
    }

    /// A payment that was canceled or has expired is paid all the same.
    ///
    /// # Errors
    /// It is paid or unknown.
    pub fn pay_late(&self, id: &str) -> anyhow::Result<()> {
        let origin = &self.world.origin;
        self.world.keep.change(|state| state.pay(id, Method::BankCard, None, origin))
    }

    /// Another amount (`"99.00"`) or currency is paid than was asked for.
    ///
    /// # Errors
    /// It is paid or unknown; `value` is no amount.
    pub fn pay_other(&self, id: &str, value: &str, currency: &str) -> anyhow::Result<()> {
        let kopecks = kopecks(value).context("not an amount")?;
        let amount = Amount { kopecks, currency: currency.to_owned() };
        let origin = &self.world.origin;
        self.world.keep.change(|state| state.pay(id, Method::BankCard, Some(amount), origin))
    }

    /// The payer turns back, or their bank declines.
    ///
    /// # Errors
    /// It is paid or unknown.
    pub fn cancel(&self, id: &str) -> anyhow::Result<()> {
        self.end(id, checkout::declined())
    }

    /// The payer did nothing for too long.
    ///
    /// # Errors
    /// It is paid or unknown.
    pub fn expire(&self, id: &str) -> anyhow::Result<()> {
        self.end(id, Cancellation::new("yoo_money", "expired_on_confirmation"))
    }

    fn end(&self, id: &str, why: Cancellation) -> anyhow::Result<()> {
        let origin = &self.world.origin;
        self.world.keep.change(|state| state.cancel(id, why, origin))
    }

    /// The shop refunds in its cabinet, all that is left or a part (`"30.00"`); answers the refund's id.
    ///
    /// # Errors
    /// It is not paid or unknown; less than that is left.
    pub fn refund(&self, id: &str, value: Option<&str>) -> anyhow::Result<String> {
        self.give_back(id, value, "Возврат из личного кабинета")
    }

    /// The payer's bank takes back all that is left. YooKassa shows a chargeback as a refund that it made itself.
    ///
    /// # Errors
    /// It is not paid or unknown; nothing is left.
    pub fn dispute(&self, id: &str) -> anyhow::Result<String> {
        self.give_back(id, None, "Chargeback")
    }

    fn give_back(&self, id: &str, value: Option<&str>, why: &str) -> anyhow::Result<String> {
        self.world.keep.change(|state| {
            let payment = state.payment(id)?;
            if payment.status != Status::Succeeded {
                bail!("payment {id} is not paid");
            }
            let left = state.refundable(payment);
            let wanted = match value {
                Some(value) => kopecks(value).context("not an amount")?,
                None => left,
            };
            if wanted <= 0 || wanted > left {
                bail!("{left} kopecks of payment {id} are left to refund");
            }
            let (amount, receipt) = (payment.amount.with(wanted), payment.receipt);
            Ok(state.refund(id, amount, Some(why.to_owned()), receipt).id.clone())
        })
    }

    /// Refunds to come stay `pending` until [`Self::finish_refund`]; `false` ends that.
    pub fn refunds_take_time(&self, slow: bool) {
        self.world.keep.change(|state| state.slow_refunds = slow);
    }

    /// A pending refund succeeds, or is canceled (nobody is notified of that).
    ///
    /// # Errors
    /// It is not pending or unknown.
    pub fn finish_refund(&self, refund_id: &str, succeeded: bool) -> anyhow::Result<()> {
        self.world.keep.change(|state| state.finish_refund(refund_id, succeeded))
    }

    /// A payment without a receipt is refused, as for a shop with a cash register of its own.
    pub fn require_receipts(&self, required: bool) {
        self.world.keep.change(|state| state.receipts_required = required);
    }

    /// The payment belongs to another shop from now on: ours gets 404 for it.
    ///
    /// # Errors
    /// It is unknown.
    pub fn move_to_shop(&self, id: &str, account_id: &str) -> anyhow::Result<()> {
        self.world.keep.change(|state| {
            state.payment_mut(id)?.account_id = account_id.to_owned();
            Ok(())
        })
    }

    /// What payers have paid to our shop less what was refunded to them, in micros of `currency`. What waits for its
    /// capture is not paid yet, and a pending refund not refunded.
    pub fn paid_less_refunded(&self, currency: &str) -> i64 {
        let state = self.world.keep.state();
        let paid = state.payments.iter().filter(|payment| {
            payment.account_id == SHOP_ID
                && payment.status == Status::Succeeded
                && payment.amount.currency == currency
        });
        paid.map(|payment| (payment.amount.kopecks - state.refunded(&payment.id)) * 10_000).sum()
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

    /// What [`Self::fail_next`] still has in store.
    pub fn planned(&self) -> Option<Failure> {
        self.world.keep.state().faults.general()
    }

    /// Every call with the right credentials, oldest first; the last 10,000.
    pub fn requests(&self) -> Vec<Request> {
        self.world.keep.state().requests.iter().cloned().collect()
    }

    /// The calls of one kind.
    pub fn requests_of(&self, call: Call) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.call == call);
        requests
    }

    /// Changes with everything that happens here.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.world.keep.changes()
    }
}
