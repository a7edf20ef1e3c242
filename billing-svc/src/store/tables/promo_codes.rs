//! `promo_codes`: words that give something, and how often each was redeemed.

use sea_orm::entity::prelude::*;

use super::{Named, unreadable};
use crate::ledger::{Credits, PromoCode, PromoCodeName, Timestamp, Unit};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "promo_codes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    pub campaign: String,
    pub unit: String,
    pub amount: i64,
    pub priority: i64,
    pub max_redemptions: i64,
    pub redemptions: i64,
    pub expire_time: Option<i64>,
    pub grant_expire_time: Option<i64>,
    pub create_time: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<PromoCode, StoreError> {
        let unreadable = |column| unreadable("promo_codes", &self.code, column);
        let unit = Unit::of(&self.unit).ok_or_else(|| unreadable("unit"))?;
        Ok(PromoCode {
            code: PromoCodeName::parse(&self.code).map_err(|_| unreadable("code"))?,
            credits: Credits { unit, amount: self.amount },
            priority: i32::try_from(self.priority).map_err(|_| unreadable("priority"))?,
            campaign: self.campaign,
            max_redemptions: self.max_redemptions,
            redemptions: self.redemptions,
            expire_time: self.expire_time.map(Timestamp::from_micros),
            grant_expire_time: self.grant_expire_time.map(Timestamp::from_micros),
            create_time: Timestamp::from_micros(self.create_time),
        })
    }
}

pub fn row(code: &PromoCode) -> Model {
    Model {
        code: code.code.to_string(),
        campaign: code.campaign.clone(),
        unit: code.credits.unit.name().to_owned(),
        amount: code.credits.amount,
        priority: i64::from(code.priority),
        max_redemptions: code.max_redemptions,
        redemptions: code.redemptions,
        expire_time: code.expire_time.map(Timestamp::micros),
        grant_expire_time: code.grant_expire_time.map(Timestamp::micros),
        create_time: code.create_time.micros(),
    }
}
