//! `admin_requests` takes more than adjustments and grants: the others keep what was asked as JSON in `details`, and
//! have no `amount` and `unit`. The `user_id` is empty where a request is about no user.
//!
//! SQLite can't change a table's conditions: the table is made anew and its rows are moved.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use super::dialect::{is_postgres, run};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000005_requests"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if is_postgres(manager) {
            run(manager, &POSTGRES_UP).await
        } else {
            run(manager, &[RENAME, DROP_INDEX, NEW, KEEP_ALL, DROP, INDEX]).await
        }
    }

    /// Requests that the schema before knows nothing of are lost.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if is_postgres(manager) {
            run(manager, &POSTGRES_DOWN).await
        } else {
            run(manager, &[RENAME, DROP_INDEX, OLD, KEEP_OLD, DROP, INDEX]).await
        }
    }
}

/// The names are those that PostgreSQL gave to the conditions of the first change.
const POSTGRES_UP: [&str; 4] = [
    "ALTER TABLE admin_requests DROP CONSTRAINT admin_requests_action_check",
    "ALTER TABLE admin_requests
        ALTER COLUMN amount DROP NOT NULL, ALTER COLUMN unit DROP NOT NULL, ADD COLUMN details text",
    "ALTER TABLE admin_requests ADD CONSTRAINT admin_requests_action CHECK (action IN
        ('ADJUST_BALANCE', 'GRANT_CREDITS', 'REVOKE_GRANT', 'SET_STANDING', 'PUBLISH_PRICES', 'CREATE_PROMO_CODE',
         'CREDIT_PAYMENT', 'REFUND_PAYMENT', 'RECORD_DISPUTE')) NOT VALID",
    "ALTER TABLE admin_requests ADD CONSTRAINT admin_requests_details CHECK (
        (action IN ('ADJUST_BALANCE', 'GRANT_CREDITS')) = (details IS NULL)
        AND (details IS NULL) = (amount IS NOT NULL AND unit IS NOT NULL)) NOT VALID",
];

const POSTGRES_DOWN: [&str; 4] = [
    "DELETE FROM admin_requests WHERE details IS NOT NULL",
    "ALTER TABLE admin_requests
        DROP CONSTRAINT admin_requests_details, DROP CONSTRAINT admin_requests_action",
    "ALTER TABLE admin_requests
        ALTER COLUMN amount SET NOT NULL, ALTER COLUMN unit SET NOT NULL, DROP COLUMN details",
    "ALTER TABLE admin_requests ADD CONSTRAINT admin_requests_action_check
        CHECK (action IN ('ADJUST_BALANCE', 'GRANT_CREDITS'))",
];

const RENAME: &str = "ALTER TABLE admin_requests RENAME TO admin_requests_before";
const DROP_INDEX: &str = "DROP INDEX admin_requests_request_id";
const DROP: &str = "DROP TABLE admin_requests_before";
const INDEX: &str = "CREATE UNIQUE INDEX admin_requests_request_id ON admin_requests (request_id)";

const NEW: &str = "CREATE TABLE admin_requests (
        user_id {key} NOT NULL,
        request_id {key} NOT NULL,
        action text NOT NULL CHECK (action IN
            ('ADJUST_BALANCE', 'GRANT_CREDITS', 'REVOKE_GRANT', 'SET_STANDING', 'PUBLISH_PRICES', 'CREATE_PROMO_CODE',
             'CREDIT_PAYMENT', 'REFUND_PAYMENT', 'RECORD_DISPUTE')),
        amount {int},
        unit text CHECK (unit IN ('MONEY', 'OPERATION')),
        grant_id {uuid},
        kind text,
        priority {int},
        expire_time {int},
        reason text NOT NULL,
        caller text NOT NULL,
        create_time {int} NOT NULL,
        details text,
        PRIMARY KEY (user_id, request_id),
        CHECK ((action = 'GRANT_CREDITS')
            = (grant_id IS NOT NULL AND kind IS NOT NULL AND priority IS NOT NULL)),
        CHECK ((action IN ('ADJUST_BALANCE', 'GRANT_CREDITS')) = (details IS NULL)),
        CHECK ((details IS NULL) = (amount IS NOT NULL AND unit IS NOT NULL))
    ) {rows}";

/// As the first change made it.
const OLD: &str = "CREATE TABLE admin_requests (
        user_id {key} NOT NULL,
        request_id {key} NOT NULL,
        action text NOT NULL CHECK (action IN ('ADJUST_BALANCE', 'GRANT_CREDITS')),
        amount {int} NOT NULL,
        unit text NOT NULL CHECK (unit IN ('MONEY', 'OPERATION')),
        grant_id {uuid},
        kind text,
        priority {int},
        expire_time {int},
        reason text NOT NULL,
        caller text NOT NULL,
        create_time {int} NOT NULL,
        PRIMARY KEY (user_id, request_id),
        CHECK ((action = 'GRANT_CREDITS')
            = (grant_id IS NOT NULL AND kind IS NOT NULL AND priority IS NOT NULL))
    ) {rows}";

const KEEP_ALL: &str = "INSERT INTO admin_requests
        (user_id, request_id, action, amount, unit, grant_id, kind, priority, expire_time, reason, caller, create_time)
    SELECT user_id, request_id, action, amount, unit, grant_id, kind, priority, expire_time, reason, caller, create_time
    FROM admin_requests_before";

const KEEP_OLD: &str = "INSERT INTO admin_requests
    SELECT user_id, request_id, action, amount, unit, grant_id, kind, priority, expire_time, reason, caller, create_time
    FROM admin_requests_before WHERE details IS NULL";
