//! `promo_redemptions`: who has redeemed which promo code.

use sea_orm::entity::prelude::*;

use super::unreadable;
use crate::ledger::{GrantId, PromoCodeName, Redemption, Timestamp, UserId};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "promo_redemptions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    pub grant_id: Uuid,
    pub create_time: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<Redemption, StoreError> {
        let key = format!("{} {}", self.user_id, self.code);
        let unreadable = |column| unreadable("promo_redemptions", &key, column);
        Ok(Redemption {
            user_id: UserId::parse(self.user_id).map_err(|_| unreadable("user_id"))?,
            code: PromoCodeName::parse(self.code).map_err(|_| unreadable("code"))?,
            grant_id: GrantId(self.grant_id),
            create_time: Timestamp::from_micros(self.create_time),
        })
    }
}

pub fn row(redemption: &Redemption) -> Model {
    Model {
        user_id: redemption.user_id.to_string(),
        code: redemption.code.to_string(),
        grant_id: redemption.grant_id.0,
        create_time: redemption.create_time.micros(),
    }
}
