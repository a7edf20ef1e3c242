//! Where operations go that were settled long ago: rows of `operations`, out of the way of charges.
//!
//! The columns are those of `operations`, so that a row can go there and back as it is. What is open stays out by the
//! table's own conditions. No other index: nobody asks it anything but whose and which.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use super::dialect::run;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000008_archive"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &UP).await
    }

    /// What was archived goes back first: the release before knows of one table alone.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &DOWN).await
    }
}

const UP: [&str; 3] = [
    "CREATE TABLE operations_archive (
        user_id {key} NOT NULL,
        operation_id {uuid} NOT NULL,
        request_id {key} NOT NULL,
        caller text NOT NULL,
        kind text NOT NULL,
        quantity {int} NOT NULL CHECK (quantity BETWEEN 1 AND 100),
        state text NOT NULL CHECK (state IN ('COMPLETED', 'REFUNDED', 'DECLINED')),
        unit_price {int} NOT NULL CHECK (unit_price >= 0),
        price_version {int} NOT NULL,
        max_price {int},
        hold_nanos {int},
        labels text NOT NULL,
        funding text NOT NULL,
        refunded {int} NOT NULL CHECK (refunded >= 0),
        refund_reason text,
        refund_comment text NOT NULL,
        decline text,
        create_time {int} NOT NULL,
        expire_time {int} NOT NULL,
        settle_time {int} NOT NULL,
        PRIMARY KEY (user_id, operation_id),
        CHECK ((state = 'DECLINED') = (decline IS NOT NULL)),
        CHECK ((state = 'REFUNDED') = (refund_reason IS NOT NULL))
    ) {rows}",
    "CREATE UNIQUE INDEX operations_archive_operation_id ON operations_archive (operation_id)",
    "CREATE UNIQUE INDEX operations_archive_request_id ON operations_archive (request_id)",
];

const DOWN: [&str; 2] = [
    "INSERT INTO operations
        (user_id, operation_id, request_id, caller, kind, quantity, state, unit_price, price_version, max_price, hold_nanos,
         labels, funding, refunded, refund_reason, refund_comment, decline, create_time, expire_time, settle_time)
    SELECT user_id, operation_id, request_id, caller, kind, quantity, state, unit_price, price_version, max_price, hold_nanos,
        labels, funding, refunded, refund_reason, refund_comment, decline, create_time, expire_time, settle_time
    FROM operations_archive",
    "DROP TABLE operations_archive",
];
