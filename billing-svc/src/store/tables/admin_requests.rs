//! `admin_requests`: what administrators asked for, and who asked.
//!
//! What moves a user's balance or gives a grant has columns of its own; everything else is JSON in `details`.

use sea_orm::entity::prelude::*;

use super::{Named, json, unreadable};
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
    /// Empty where it was about no user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: String,
    pub action: String,
    pub amount: Option<i64>,
    pub unit: Option<String>,
    pub grant_id: Option<Uuid>,
    pub kind: Option<String>,
    pub priority: Option<i64>,
    pub expire_time: Option<i64>,
    pub details: Option<String>,
    pub reason: String,
    pub caller: String,
    pub create_time: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<AdminRequest, StoreError> {
        let user_id = match self.user_id.as_str() {
            "" => None,
            user => Some(UserId::parse(user).map_err(|_| self.unreadable("user_id"))?),
        };
        Ok(AdminRequest {
            user_id,
            action: self.action()?,
            request_id: RequestId::parse(&self.request_id)
                .map_err(|_| self.unreadable("request_id"))?,
            create_time: Timestamp::from_micros(self.create_time),
            reason: self.reason,
            caller: self.caller,
        })
    }

    fn action(&self) -> Result<AdminAction, StoreError> {
        let unreadable = |column| move || self.unreadable(column);
        if let Some(details) = &self.details {
            return json::read_action(&self.action, details)
                .map_err(|_| self.unreadable("details"));
        }
        let amount = self.amount.ok_or_else(unreadable("amount"))?;
        match self.action.as_str() {
            ADJUST_BALANCE => Ok(AdminAction::AdjustBalance(Amount::from_micros(amount))),
            GRANT_CREDITS => {
                let unit = self.unit.as_deref().and_then(Unit::of);
                let kind = self.kind.as_deref().and_then(GrantKind::of);
                let priority = self.priority.and_then(|priority| i32::try_from(priority).ok());
                Ok(AdminAction::GrantCredits {
                    grant_id: self.grant_id.map(GrantId).ok_or_else(unreadable("grant_id"))?,
                    credits: Credits { unit: unit.ok_or_else(unreadable("unit"))?, amount },
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

pub fn row(request: &AdminRequest) -> Result<Model, StoreError> {
    let unwritable = |error| StoreError::corrupt("admin_requests", &request.request_id, error);
    let common = Model {
        user_id: request.user_id.as_ref().map(UserId::to_string).unwrap_or_default(),
        request_id: request.request_id.to_string(),
        action: String::new(),
        amount: None,
        unit: None,
        grant_id: None,
        kind: None,
        priority: None,
        expire_time: None,
        details: None,
        reason: request.reason.clone(),
        caller: request.caller.clone(),
        create_time: request.create_time.micros(),
    };
    Ok(match &request.action {
        AdminAction::GrantCredits { grant_id, credits, kind, priority, expire_time } => Model {
            action: GRANT_CREDITS.to_owned(),
            amount: Some(credits.amount),
            unit: Some(credits.unit.name().to_owned()),
            grant_id: Some(grant_id.0),
            kind: Some(kind.name().to_owned()),
            priority: Some(i64::from(*priority)),
            expire_time: expire_time.map(Timestamp::micros),
            ..common
        },
        AdminAction::AdjustBalance(amount) => Model {
            action: ADJUST_BALANCE.to_owned(),
            amount: Some(amount.micros()),
            unit: Some(Unit::Money.name().to_owned()),
            ..common
        },
        AdminAction::RevokeGrant(_)
        | AdminAction::SetStanding(_)
        | AdminAction::PublishPrices(_)
        | AdminAction::CreatePromoCode(_)
        | AdminAction::CreditPayment { .. }
        | AdminAction::RefundPayment { .. }
        | AdminAction::RecordDispute { .. } => {
            let (action, details) = json::write_action(&request.action).map_err(unwritable)?;
            Model { action, details: Some(details), ..common }
        }
    })
}
