//! What payment providers are dealt with by: their notifications, and how far their lists were read.

use std::time::SystemTime;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};
use service_kit::queue::Queue;

use super::tables::provider_cursors;
use super::{Store, StoreError, dialect, task::detached};
use crate::ledger::Provider;

impl Store {
    /// The inbox of providers' notifications. `owner` names this process in what it works on, for people.
    pub fn notifications(&self, owner: String) -> Queue {
        Queue::new(self.writer.pool().clone(), "notifications", owner)
    }

    /// How far a provider's list was read, in the provider's words.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn cursor(&self, provider: Provider) -> Result<Option<String>, StoreError> {
        let found = provider_cursors::Entity::find()
            .filter(provider_cursors::Column::Provider.eq(provider.name()))
            .one(&self.connection)
            .await
            .map_err(dialect::failed)?;
        Ok(found.map(|row| row.cursor))
    }

    /// Keeps how far it was read. The last one who does so is right: what is read twice changes nothing.
    ///
    /// # Errors
    /// `Unavailable`, `Retryable`.
    pub async fn set_cursor(&self, provider: Provider, cursor: &str) -> Result<(), StoreError> {
        use provider_cursors::{ActiveModel, Column, Entity};
        let row = ActiveModel {
            provider: Set(provider.name().to_owned()),
            cursor: Set(cursor.to_owned()),
            update_time: Set(service_kit::time::to_micros(SystemTime::now())),
        };
        let mut replace = OnConflict::column(Column::Provider);
        replace.update_columns([Column::Cursor, Column::UpdateTime]);
        let connection = self.writer.clone();
        detached(async move {
            let write = Entity::insert(row).on_conflict(replace);
            write.exec_without_returning(&connection).await.map_err(dialect::failed)?;
            Ok(())
        })
        .await
    }
}
