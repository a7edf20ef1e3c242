//! `entries`: what moved, from where to where. Appended, never changed.

use sea_orm::entity::prelude::*;

use super::{Named, unreadable};
use crate::ledger::{
    Account, Entry, OperationId, PaymentId, Reference, RequestId, Timestamp, Unit, UserId,
};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub from_account: String,
    pub to_account: String,
    pub unit: String,
    pub amount: i64,
    pub operation_id: Option<Uuid>,
    pub request_id: Option<String>,
    pub create_time: i64,
    pub balance_after: i64,
    pub payment_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<Entry, StoreError> {
        let key = format!("{} {}", self.user_id, self.sequence);
        let unreadable = |column| unreadable("entries", &key, column);
        let account = |name: &str, column| name.parse::<Account>().map_err(|_| unreadable(column));
        let reference = match (self.operation_id, self.request_id, self.payment_id) {
            (Some(id), None, None) => Reference::Operation(OperationId(id)),
            (None, Some(id), None) => {
                Reference::Request(RequestId::parse(id).map_err(|_| unreadable("request_id"))?)
            }
            (None, None, Some(id)) => Reference::Payment(PaymentId(id)),
            (None, None, None) => Reference::Rule,
            (Some(_), Some(_), _) | (_, Some(_), Some(_)) => return Err(unreadable("request_id")),
            (Some(_), None, Some(_)) => return Err(unreadable("payment_id")),
        };
        Ok(Entry {
            user_id: UserId::parse(self.user_id).map_err(|_| unreadable("user_id"))?,
            sequence: self.sequence,
            from: account(&self.from_account, "from_account")?,
            to: account(&self.to_account, "to_account")?,
            unit: Unit::of(&self.unit).ok_or_else(|| unreadable("unit"))?,
            amount: self.amount,
            reference,
            create_time: Timestamp::from_micros(self.create_time),
            balance_after: self.balance_after,
        })
    }
}

pub fn row(entry: &Entry) -> Model {
    let (operation_id, request_id, payment_id) = match &entry.reference {
        Reference::Operation(OperationId(id)) => (Some(*id), None, None),
        Reference::Request(id) => (None, Some(id.to_string()), None),
        Reference::Payment(PaymentId(id)) => (None, None, Some(*id)),
        Reference::Rule => (None, None, None),
    };
    Model {
        user_id: entry.user_id.to_string(),
        sequence: entry.sequence,
        from_account: entry.from.to_string(),
        to_account: entry.to.to_string(),
        unit: entry.unit.name().to_owned(),
        amount: entry.amount,
        operation_id,
        request_id,
        create_time: entry.create_time.micros(),
        balance_after: entry.balance_after,
        payment_id,
    }
}
