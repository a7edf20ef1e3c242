//! `payment_refunds`: what goes back to those who paid.

use sea_orm::entity::prelude::*;

use super::{Named, unreadable};
use crate::ledger::{
    Amount, PaymentId, PaymentRefund, ProviderAmount, RefundId, RefundOrigin, RefundState,
    Timestamp, UserId,
};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_refunds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub refund_id: Uuid,
    pub payment_id: Uuid,
    pub origin: String,
    pub state: String,
    pub amount: i64,
    pub price_amount: i64,
    pub price_currency: String,
    pub reason: String,
    pub provider_refund_id: Option<String>,
    pub create_time: i64,
    pub settle_time: Option<i64>,
    pub next_try: Option<i64>,
    pub tries: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<PaymentRefund, StoreError> {
        let unreadable = |column| unreadable("payment_refunds", self.refund_id, column);
        Ok(PaymentRefund {
            refund_id: RefundId(self.refund_id),
            payment_id: PaymentId(self.payment_id),
            user_id: UserId::parse(&self.user_id).map_err(|_| unreadable("user_id"))?,
            origin: RefundOrigin::of(&self.origin).ok_or_else(|| unreadable("origin"))?,
            state: RefundState::of(&self.state).ok_or_else(|| unreadable("state"))?,
            amount: Amount::from_micros(self.amount),
            price: ProviderAmount {
                amount: Amount::from_micros(self.price_amount),
                currency: self.price_currency,
            },
            reason: self.reason,
            provider_refund_id: self.provider_refund_id,
            create_time: Timestamp::from_micros(self.create_time),
            settle_time: self.settle_time.map(Timestamp::from_micros),
            next_try: self.next_try.map(Timestamp::from_micros),
            tries: self.tries,
        })
    }
}

pub fn row(refund: &PaymentRefund) -> Model {
    Model {
        user_id: refund.user_id.to_string(),
        refund_id: refund.refund_id.0,
        payment_id: refund.payment_id.0,
        origin: refund.origin.name().to_owned(),
        state: refund.state.name().to_owned(),
        amount: refund.amount.micros(),
        price_amount: refund.price.amount.micros(),
        price_currency: refund.price.currency.clone(),
        reason: refund.reason.clone(),
        provider_refund_id: refund.provider_refund_id.clone(),
        create_time: refund.create_time.micros(),
        settle_time: refund.settle_time.map(Timestamp::micros),
        next_try: refund.next_try.map(Timestamp::micros),
        tries: refund.tries,
    }
}
