//! `grants`: what was given to users to spend, and what is left of it.

use sea_orm::entity::prelude::*;

use super::{Named, unreadable};
use crate::ledger::{Grant, GrantId, GrantKind, Timestamp, Unit, UserId};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "grants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub grant_id: Uuid,
    pub kind: String,
    pub unit: String,
    pub given: i64,
    pub remaining: i64,
    pub priority: i64,
    pub create_time: i64,
    pub expire_time: Option<i64>,
    pub announced: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::users::Entity",
        from = "Column::UserId",
        to = "super::users::Column::UserId"
    )]
    User,
}

impl Related<super::users::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::User.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<Grant, StoreError> {
        let key = format!("{} {}", self.user_id, self.grant_id);
        let unreadable = |column| unreadable("grants", &key, column);
        Ok(Grant {
            grant_id: GrantId(self.grant_id),
            user_id: UserId::parse(self.user_id).map_err(|_| unreadable("user_id"))?,
            kind: GrantKind::of(&self.kind).ok_or_else(|| unreadable("kind"))?,
            unit: Unit::of(&self.unit).ok_or_else(|| unreadable("unit"))?,
            given: self.given,
            remaining: self.remaining,
            priority: i32::try_from(self.priority).map_err(|_| unreadable("priority"))?,
            create_time: Timestamp::from_micros(self.create_time),
            expire_time: self.expire_time.map(Timestamp::from_micros),
            announced: self.announced != 0,
        })
    }
}

pub fn row(grant: &Grant) -> Model {
    Model {
        user_id: grant.user_id.to_string(),
        grant_id: grant.grant_id.0,
        kind: grant.kind.name().to_owned(),
        unit: grant.unit.name().to_owned(),
        given: grant.given,
        remaining: grant.remaining,
        priority: i64::from(grant.priority),
        create_time: grant.create_time.micros(),
        expire_time: grant.expire_time.map(Timestamp::micros),
        announced: i64::from(grant.announced),
    }
}
