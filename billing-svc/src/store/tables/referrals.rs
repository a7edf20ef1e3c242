//! `referrals`: who was invited by whom.

use sea_orm::entity::prelude::*;

use super::{Named, unreadable};
use crate::ledger::{Referral, ReferralState, Timestamp, UserId};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "referrals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub inviter: String,
    pub state: String,
    pub create_time: i64,
    pub update_time: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<Referral, StoreError> {
        let unreadable = |column| unreadable("referrals", &self.user_id, column);
        Ok(Referral {
            user_id: UserId::parse(&self.user_id).map_err(|_| unreadable("user_id"))?,
            inviter: UserId::parse(&self.inviter).map_err(|_| unreadable("inviter"))?,
            state: ReferralState::of(&self.state).ok_or_else(|| unreadable("state"))?,
            create_time: Timestamp::from_micros(self.create_time),
            update_time: Timestamp::from_micros(self.update_time),
        })
    }
}

pub fn row(referral: &Referral) -> Model {
    Model {
        user_id: referral.user_id.to_string(),
        inviter: referral.inviter.to_string(),
        state: referral.state.name().to_owned(),
        create_time: referral.create_time.micros(),
        update_time: referral.update_time.micros(),
    }
}
