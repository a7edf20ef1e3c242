//! `events`: what happened, for those who watch. Appended; only the position comes later.

use sea_orm::entity::prelude::*;

use super::{json, unreadable};
use crate::ledger::{Event, Timestamp, UserId};
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub kind: String,
    pub body: String,
    pub create_time: i64,
    /// Where it stands among all that were given out; none while it waits for that.
    pub position: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn read(self) -> Result<Event, StoreError> {
        let key = format!("{} {}", self.user_id, self.sequence);
        let unreadable = |column| unreadable("events", &key, column);
        Ok(Event {
            body: json::read_event(&self.kind, &self.body).map_err(|_| unreadable("body"))?,
            user_id: UserId::parse(self.user_id).map_err(|_| unreadable("user_id"))?,
            sequence: self.sequence,
            create_time: Timestamp::from_micros(self.create_time),
        })
    }
}

pub fn row(event: &Event) -> Result<Model, StoreError> {
    let key = format!("{} {}", event.user_id, event.sequence);
    let (kind, body) = json::write_event(&event.body)
        .map_err(|error| StoreError::corrupt("events", key, error))?;
    Ok(Model {
        user_id: event.user_id.to_string(),
        sequence: event.sequence,
        kind,
        body,
        create_time: event.create_time.micros(),
        position: None,
    })
}
