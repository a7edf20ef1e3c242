//! `referral_codes`: by which word users invite others.

use sea_orm::entity::prelude::*;

use super::unreadable;
use crate::ledger::{OwnReferralCode, ReferralCode, Timestamp, UserId};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "referral_codes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub code: String,
    pub create_time: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<OwnReferralCode, StoreError> {
        let unreadable = |column| unreadable("referral_codes", &self.user_id, column);
        Ok(OwnReferralCode {
            user_id: UserId::parse(&self.user_id).map_err(|_| unreadable("user_id"))?,
            code: ReferralCode::parse(&self.code).map_err(|_| unreadable("code"))?,
            create_time: Timestamp::from_micros(self.create_time),
        })
    }
}

pub fn row(own: &OwnReferralCode) -> Model {
    Model {
        user_id: own.user_id.to_string(),
        code: own.code.to_string(),
        create_time: own.create_time.micros(),
    }
}
