//! The outbox: what happened to users, in which order it is given out, and how far each consumer has come.
//!
//! An event is written with what happened, without a position: a number that all writers share would make them wait
//! for each other, and numbers are not committed in the order in which they are taken. Positions are given out
//! afterwards, by whoever holds the one row of `event_position`, so they become visible in their order.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use super::dialect::{add_column, run};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000004_events"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let zero = "{int} NOT NULL DEFAULT 0";
        add_column(manager, "users", "last_event", zero, "last_event >= 0").await?;
        add_column(manager, "grants", "announced", zero, "announced IN (0, 1)").await?;
        run(manager, &STATEMENTS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = [
            "DROP TABLE event_consumers",
            "DROP TABLE event_position",
            "DROP TABLE events",
            "ALTER TABLE grants DROP COLUMN announced",
            "ALTER TABLE users DROP COLUMN last_event",
        ];
        run(manager, &statements).await
    }
}

const STATEMENTS: [&str; 7] = [
    "CREATE TABLE events (
        user_id {key} NOT NULL,
        sequence {int} NOT NULL CHECK (sequence > 0),
        kind text NOT NULL,
        body text NOT NULL,
        create_time {int} NOT NULL,
        position {int} CHECK (position > 0),
        PRIMARY KEY (user_id, sequence)
    ) {rows}",
    "CREATE UNIQUE INDEX events_position ON events (position) WHERE position IS NOT NULL",
    // What has no position yet: whose it is, and all of theirs.
    "CREATE INDEX events_waiting ON events (create_time, user_id, sequence) WHERE position IS NULL",
    "CREATE INDEX events_waiting_of_user ON events (user_id, sequence) WHERE position IS NULL",
    "CREATE TABLE event_position (
        id {int} NOT NULL PRIMARY KEY CHECK (id = 1),
        position {int} NOT NULL CHECK (position >= 0)
    ) {keyed}",
    "INSERT INTO event_position (id, position) VALUES (1, 0)",
    "CREATE TABLE event_consumers (
        consumer {key} NOT NULL PRIMARY KEY,
        position {int} NOT NULL CHECK (position >= 0),
        update_time {int} NOT NULL
    ) {keyed}",
];
