//! `users`: balances, a cache that the entries can rebuild.

use sea_orm::entity::prelude::*;

use super::{Named, unreadable};
use crate::ledger::{Amount, Standing, Timestamp, User, UserId};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub available: i64,
    pub held: i64,
    pub held_operations: i64,
    pub standing: String,
    pub version: i64,
    pub last_entry: i64,
    pub create_time: i64,
    pub topups: i64,
    pub last_event: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_many = "super::grants::Entity")]
    Grants,
}

impl Related<super::grants::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Grants.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<User, StoreError> {
        let unreadable = |column| unreadable("users", &self.user_id, column);
        Ok(User {
            user_id: UserId::parse(&self.user_id).map_err(|_| unreadable("user_id"))?,
            available: Amount::from_micros(self.available),
            held: Amount::from_micros(self.held),
            held_operations: self.held_operations,
            standing: Standing::of(&self.standing).ok_or_else(|| unreadable("standing"))?,
            version: self.version,
            last_entry: self.last_entry,
            last_event: self.last_event,
            topups: self.topups,
            create_time: Timestamp::from_micros(self.create_time),
        })
    }
}

pub fn row(user: &User) -> Model {
    Model {
        user_id: user.user_id.to_string(),
        available: user.available.micros(),
        held: user.held.micros(),
        held_operations: user.held_operations,
        standing: user.standing.name().to_owned(),
        version: user.version,
        last_entry: user.last_entry,
        last_event: user.last_event,
        topups: user.topups,
        create_time: user.create_time.micros(),
    }
}
