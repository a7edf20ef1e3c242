//! `admin_requests`: what administrators asked for, and who asked.

use sea_orm::entity::prelude::*;

use super::{Named, unreadable};
use crate::ledger::{
    AdminAction, AdminRequest, Amount, Credits, GrantId, GrantKind, RequestId, Timestamp, Unit,
    UserId,
};
use crate::store::StoreError;

const ADJUST_BALANCE: &str = "ADJUST_BALANCE";
const GRANT_CREDITS: &str = "GRANT_CREDITS";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "admin_requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: String,
    pub action: String,
    pub amount: i64,
    pub unit: String,
    pub grant_id: Option<Uuid>,
    pub kind: Option<String>,
    pub priority: Option<i64>,
    pub expire_time: Option<i64>,
    pub reason: String,
    pub caller: String,
    pub create_time: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<AdminRequest, StoreError> {
        Ok(AdminRequest {
            action: self.action()?,
            request_id: RequestId::parse(&self.request_id)
                .map_err(|_| self.unreadable("request_id"))?,
            user_id: UserId::parse(&self.user_id).map_err(|_| self.unreadable("user_id"))?,
            create_time: Timestamp::from_micros(self.create_time),
            reason: self.reason,
            caller: self.caller,
        })
    }

    fn action(&self) -> Result<AdminAction, StoreError> {
        let unreadable = |column| move || self.unreadable(column);
        match self.action.as_str() {
            ADJUST_BALANCE => Ok(AdminAction::AdjustBalance(Amount::from_micros(self.amount))),
            GRANT_CREDITS => {
                let unit = Unit::of(&self.unit).ok_or_else(unreadable("unit"))?;
                let kind = self.kind.as_deref().and_then(GrantKind::of);
                let priority = self.priority.and_then(|priority| i32::try_from(priority).ok());
                Ok(AdminAction::GrantCredits {
                    grant_id: self.grant_id.map(GrantId).ok_or_else(unreadable("grant_id"))?,
                    credits: Credits { unit, amount: self.amount },
                    kind: kind.ok_or_else(unreadable("kind"))?,
                    priority: priority.ok_or_else(unreadable("priority"))?,
                    expire_time: self.expire_time.map(Timestamp::from_micros),
                })
            }
            _ => Err(self.unreadable("action")),
        }
    }

    fn unreadable(&self, column: &str) -> StoreError {
        unreadable("admin_requests", &self.request_id, column)
    }
}

pub fn row(request: &AdminRequest) -> Model {
    let common = Model {
        user_id: request.user_id.to_string(),
        request_id: request.request_id.to_string(),
        action: ADJUST_BALANCE.to_owned(),
        amount: 0,
        unit: Unit::Money.name().to_owned(),
        grant_id: None,
        kind: None,
        priority: None,
        expire_time: None,
        reason: request.reason.clone(),
        caller: request.caller.clone(),
        create_time: request.create_time.micros(),
    };
    match &request.action {
        AdminAction::AdjustBalance(amount) => Model { amount: amount.micros(), ..common },
        AdminAction::GrantCredits { grant_id, credits, kind, priority, expire_time } => Model {
            action: GRANT_CREDITS.to_owned(),
            amount: credits.amount,
            unit: credits.unit.name().to_owned(),
            grant_id: Some(grant_id.0),
            kind: Some(kind.name().to_owned()),
            priority: Some(i64::from(*priority)),
            expire_time: expire_time.map(Timestamp::micros),
            ..common
        },
    }
}
