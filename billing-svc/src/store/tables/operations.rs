//! `operations`: what users were charged for, and what became of it.

use std::time::Duration;

use sea_orm::entity::prelude::*;

use super::{Named, json, unreadable};
use crate::ledger::{
    Amount, Kind, Operation, OperationId, OperationState, RefundReason, RequestId, Timestamp, Unit,
    UserId,
};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "operations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub operation_id: Uuid,
    pub request_id: String,
    pub caller: String,
    pub kind: String,
    pub quantity: i64,
    pub state: String,
    pub unit_price: i64,
    pub price_version: i64,
    pub max_price: Option<i64>,
    /// To the nanosecond: a repeated request must say the same.
    pub hold_nanos: Option<i64>,
    pub labels: String,
    pub funding: String,
    pub refunded: i64,
    pub refund_reason: Option<String>,
    pub refund_comment: String,
    pub decline: Option<String>,
    pub create_time: i64,
    pub expire_time: i64,
    pub settle_time: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<Operation, StoreError> {
        let unreadable = |column| unreadable("operations", self.operation_id, column);
        let hold = self.hold_nanos.map(u64::try_from).transpose();
        let reason = match &self.refund_reason {
            None => None,
            Some(name) => Some(RefundReason::of(name).ok_or_else(|| unreadable("refund_reason"))?),
        };
        let decline = self.decline.as_deref().map(json::read_decline).transpose();
        Ok(Operation {
            operation_id: OperationId(self.operation_id),
            user_id: UserId::parse(&self.user_id).map_err(|_| unreadable("user_id"))?,
            request_id: RequestId::parse(&self.request_id).map_err(|_| unreadable("request_id"))?,
            kind: Kind::parse(&self.kind).map_err(|_| unreadable("kind"))?,
            quantity: self.quantity,
            state: OperationState::of(&self.state).ok_or_else(|| unreadable("state"))?,
            unit_price: Amount::from_micros(self.unit_price),
            price_version: self.price_version,
            max_price: self.max_price.map(Amount::from_micros),
            hold: hold.map_err(|_| unreadable("hold_nanos"))?.map(Duration::from_nanos),
            labels: json::read_labels(&self.labels).map_err(|_| unreadable("labels"))?,
            funding: json::read_funding(&self.funding).map_err(|_| unreadable("funding"))?,
            refunded: Amount::from_micros(self.refunded),
            refund_reason: reason,
            decline: decline.map_err(|_| unreadable("decline"))?,
            create_time: Timestamp::from_micros(self.create_time),
            expire_time: Timestamp::from_micros(self.expire_time),
            settle_time: self.settle_time.map(Timestamp::from_micros),
            caller: self.caller,
            refund_comment: self.refund_comment,
        })
    }
}

/// The money in the column `funding` of an operation.
pub fn paid(funding: &str) -> serde_json::Result<Amount> {
    let slices = json::read_funding(funding)?;
    let money = slices.iter().filter(|slice| slice.source.unit() == Unit::Money);
    Ok(money.map(|slice| Amount::from_micros(slice.amount)).sum())
}

pub fn row(operation: &Operation) -> Result<Model, StoreError> {
    let unwritable = |error| StoreError::corrupt("operations", operation.operation_id, error);
    let hold = operation.hold.map(|hold| i64::try_from(hold.as_nanos()).unwrap_or(i64::MAX));
    let decline = operation.decline.as_ref().map(json::write_decline).transpose();
    Ok(Model {
        user_id: operation.user_id.to_string(),
        operation_id: operation.operation_id.0,
        request_id: operation.request_id.to_string(),
        caller: operation.caller.clone(),
        kind: operation.kind.to_string(),
        quantity: operation.quantity,
        state: operation.state.name().to_owned(),
        unit_price: operation.unit_price.micros(),
        price_version: operation.price_version,
        max_price: operation.max_price.map(Amount::micros),
        hold_nanos: hold,
        labels: json::write_labels(&operation.labels).map_err(unwritable)?,
        funding: json::write_funding(&operation.funding).map_err(unwritable)?,
        refunded: operation.refunded.micros(),
        refund_reason: operation.refund_reason.map(|reason| reason.name().to_owned()),
        refund_comment: operation.refund_comment.clone(),
        decline: decline.map_err(unwritable)?,
        create_time: operation.create_time.micros(),
        expire_time: operation.expire_time.micros(),
        settle_time: operation.settle_time.map(Timestamp::micros),
    })
}
