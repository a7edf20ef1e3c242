//! `payments`: what users pay in.

use sea_orm::entity::prelude::*;

use super::{Named, unreadable};
use crate::ledger::{
    Amount, ParkReason, Payment, PaymentId, PaymentState, Provider, ProviderAmount, RequestId,
    Timestamp, UserId,
};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub payment_id: Uuid,
    pub request_id: String,
    pub caller: String,
    pub provider: String,
    pub amount: i64,
    pub price_amount: i64,
    pub price_currency: String,
    pub return_url: Option<String>,
    pub receipt_email: Option<String>,
    pub state: String,
    pub provider_payment_id: Option<String>,
    pub confirmation_url: Option<String>,
    pub method: Option<String>,
    pub received_amount: Option<i64>,
    pub received_currency: Option<String>,
    pub parked: Option<String>,
    pub credited: i64,
    pub repeat_of: Option<Uuid>,
    pub create_time: i64,
    pub update_time: i64,
    pub paid_time: Option<i64>,
    pub credit_time: Option<i64>,
    pub next_check: Option<i64>,
    pub checks: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<Payment, StoreError> {
        let unreadable = |column| unreadable("payments", self.payment_id, column);
        let parked = match &self.parked {
            None => None,
            Some(name) => Some(ParkReason::of(name).ok_or_else(|| unreadable("parked"))?),
        };
        let received = match (self.received_amount, self.received_currency) {
            (Some(amount), Some(currency)) => {
                Some(ProviderAmount { amount: Amount::from_micros(amount), currency })
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(unreadable("received_currency")),
        };
        Ok(Payment {
            payment_id: PaymentId(self.payment_id),
            user_id: UserId::parse(&self.user_id).map_err(|_| unreadable("user_id"))?,
            request_id: RequestId::parse(&self.request_id).map_err(|_| unreadable("request_id"))?,
            provider: Provider::of(&self.provider).ok_or_else(|| unreadable("provider"))?,
            state: PaymentState::of(&self.state).ok_or_else(|| unreadable("state"))?,
            parked,
            received,
            caller: self.caller,
            amount: Amount::from_micros(self.amount),
            price: ProviderAmount {
                amount: Amount::from_micros(self.price_amount),
                currency: self.price_currency,
            },
            return_url: self.return_url,
            receipt_email: self.receipt_email,
            provider_payment_id: self.provider_payment_id,
            confirmation_url: self.confirmation_url,
            method: self.method,
            credited: Amount::from_micros(self.credited),
            repeat_of: self.repeat_of.map(PaymentId),
            create_time: Timestamp::from_micros(self.create_time),
            update_time: Timestamp::from_micros(self.update_time),
            paid_time: self.paid_time.map(Timestamp::from_micros),
            credit_time: self.credit_time.map(Timestamp::from_micros),
            next_check: self.next_check.map(Timestamp::from_micros),
            checks: self.checks,
        })
    }
}

pub fn row(payment: &Payment) -> Model {
    Model {
        user_id: payment.user_id.to_string(),
        payment_id: payment.payment_id.0,
        request_id: payment.request_id.to_string(),
        caller: payment.caller.clone(),
        provider: payment.provider.name().to_owned(),
        amount: payment.amount.micros(),
        price_amount: payment.price.amount.micros(),
        price_currency: payment.price.currency.clone(),
        return_url: payment.return_url.clone(),
        receipt_email: payment.receipt_email.clone(),
        state: payment.state.name().to_owned(),
        provider_payment_id: payment.provider_payment_id.clone(),
        confirmation_url: payment.confirmation_url.clone(),
        method: payment.method.clone(),
        received_amount: payment.received.as_ref().map(|received| received.amount.micros()),
        received_currency: payment.received.as_ref().map(|received| received.currency.clone()),
        parked: payment.parked.map(|why| why.name().to_owned()),
        credited: payment.credited.micros(),
        repeat_of: payment.repeat_of.map(|id| id.0),
        create_time: payment.create_time.micros(),
        update_time: payment.update_time.micros(),
        paid_time: payment.paid_time.map(Timestamp::micros),
        credit_time: payment.credit_time.map(Timestamp::micros),
        next_check: payment.next_check.map(Timestamp::micros),
        checks: payment.checks,
    }
}
