//! The rows of payments and their refunds.

use uuid::Uuid;

use super::super::{
    EventBody, Payment, PaymentId, PaymentRefund, Provider, RefundId, Rejection, RequestId, UserId,
};
use super::Draft;

/// What a payment is found by when its provider names it.
pub(super) fn provider_key(payment: &Payment) -> Option<((Provider, String), PaymentId)> {
    let name = payment.provider_payment_id.clone()?;
    Some(((payment.provider, name), payment.payment_id))
}

impl Draft<'_> {
    /// A payment of this user.
    pub(in crate::ledger) fn payment(
        &self,
        user_id: &UserId,
        id: PaymentId,
    ) -> Result<&Payment, Rejection> {
        let payment = self.payments.get(&id).filter(|payment| payment.user_id == *user_id);
        payment.ok_or(Rejection::PaymentNotFound)
    }

    pub(in crate::ledger) fn payment_by_request(&self, id: &RequestId) -> Option<&Payment> {
        self.payments.get(self.payment_requests.get(id)?)
    }

    /// Whoever it belongs to.
    pub(in crate::ledger) fn payment_by_name(
        &self,
        provider: Provider,
        name: &str,
    ) -> Option<&Payment> {
        self.payments.get(self.provider_payments.get(&(provider, name.to_owned()))?)
    }

    pub(in crate::ledger) fn add_payment(&mut self, payment: Payment) {
        self.write_user(&payment.user_id);
        self.payment_requests.insert(payment.request_id.clone(), payment.payment_id);
        self.provider_payments.extend(provider_key(&payment));
        self.payments.add(payment.payment_id, payment);
    }

    /// Writes a payment in its next form, and tells the user where it came to stand elsewhere.
    pub(in crate::ledger) fn update_payment(&mut self, mut payment: Payment) {
        payment.update_time = self.now;
        self.write_user(&payment.user_id);
        let before = self.payments.get(&payment.payment_id);
        let stood = before.map(|before| (before.state, before.parked));
        let told = stood != Some((payment.state, payment.parked));
        let moved = told.then(|| payment.clone());
        self.provider_payments.extend(provider_key(&payment));
        self.payments.update(payment.payment_id, payment);
        if let Some(payment) = moved {
            self.tell_payment(&payment);
        }
    }

    /// Tells the user where a payment stands.
    pub(in crate::ledger) fn tell_payment(&mut self, payment: &Payment) {
        let credited = payment.credit_time.is_some();
        let body = EventBody::PaymentChanged {
            payment_id: payment.payment_id,
            provider: payment.provider,
            state: payment.state,
            amount: if credited { payment.credited } else { payment.amount },
            parked: payment.parked,
        };
        self.tell(&payment.user_id, body);
    }

    /// All refunds of a payment, oldest first.
    pub(in crate::ledger) fn payment_refunds(&self, id: PaymentId) -> Vec<&PaymentRefund> {
        let (first, last) = (RefundId(Uuid::nil()), RefundId(Uuid::max()));
        let mut refunds: Vec<_> = self.payment_refunds.range((id, first)..=(id, last)).collect();
        refunds.sort_by_key(|refund| (refund.create_time, refund.refund_id));
        refunds
    }

    pub(in crate::ledger) fn payment_refund(
        &self,
        payment: PaymentId,
        id: RefundId,
    ) -> Option<&PaymentRefund> {
        self.payment_refunds.get(&(payment, id))
    }

    pub(in crate::ledger) fn add_payment_refund(&mut self, refund: PaymentRefund) {
        self.write_user(&refund.user_id);
        self.payment_refunds.add((refund.payment_id, refund.refund_id), refund);
    }

    pub(in crate::ledger) fn update_payment_refund(&mut self, refund: PaymentRefund) {
        self.write_user(&refund.user_id);
        self.payment_refunds.update((refund.payment_id, refund.refund_id), refund);
    }

    /// Tells the user where a refund stands.
    pub(in crate::ledger) fn tell_refund(&mut self, provider: Provider, refund: &PaymentRefund) {
        let body = EventBody::RefundChanged {
            payment_id: refund.payment_id,
            refund_id: refund.refund_id,
            provider,
            origin: refund.origin,
            state: refund.state,
            amount: refund.amount,
        };
        self.tell(&refund.user_id, body);
    }
}
