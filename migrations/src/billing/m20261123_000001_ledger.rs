//! Users, grants, operations, entries, requests of administrators, price lists.
//!
//! Amounts are bigint micros (or whole operations), times bigint unix microseconds, ids text or UUID. Text keys
//! compare byte by byte on both databases, so that `verify` can merge tables in key order. Every table that grows has
//! a key that starts with its user; no row is shared by all users. No foreign keys: they would lock rows that charges
//! of others need, and `verify` proves what they would.

use async_trait::async_trait;
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr},
};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000001_ledger"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let dialect = match connection.get_database_backend() {
            DbBackend::Postgres => &POSTGRES,
            _ => &SQLITE,
        };
        for statement in STATEMENTS {
            connection.execute_unprepared(&dialect.translate(statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in
            ["prices", "price_lists", "admin_requests", "entries", "operations", "grants", "users"]
        {
            let drop = format!("DROP TABLE {table}");
            manager.get_connection().execute_unprepared(&drop).await?;
        }
        Ok(())
    }
}

/// What the two databases call the same thing.
struct Dialect {
    /// A text that compares byte by byte.
    key: &'static str,
    uuid: &'static str,
    /// 64 bits.
    int: &'static str,
    /// Small rows, kept in the tree of their primary key where the database can.
    keyed: &'static str,
    /// Rows of any size.
    rows: &'static str,
}

const POSTGRES: Dialect =
    Dialect { key: "text COLLATE \"C\"", uuid: "uuid", int: "bigint", keyed: "", rows: "" };
const SQLITE: Dialect = Dialect {
    key: "text",
    uuid: "blob",
    int: "integer",
    keyed: "WITHOUT ROWID, STRICT",
    rows: "STRICT",
};

impl Dialect {
    fn translate(&self, statement: &str) -> String {
        statement
            .replace("{key}", self.key)
            .replace("{uuid}", self.uuid)
            .replace("{int}", self.int)
            .replace("{keyed}", self.keyed)
            .replace("{rows}", self.rows)
    }
}

const STATEMENTS: [&str; 13] = [
    "CREATE TABLE users (
        user_id {key} NOT NULL PRIMARY KEY,
        available {int} NOT NULL,
        held {int} NOT NULL CHECK (held >= 0),
        held_operations {int} NOT NULL CHECK (held_operations >= 0),
        standing text NOT NULL CHECK (standing IN ('GOOD', 'IN_DEBT', 'BLOCKED')),
        version {int} NOT NULL CHECK (version > 0),
        last_entry {int} NOT NULL CHECK (last_entry >= 0),
        create_time {int} NOT NULL,
        CHECK (available >= 0 OR standing <> 'GOOD')
    ) {keyed}",
    "CREATE TABLE grants (
        user_id {key} NOT NULL,
        grant_id {uuid} NOT NULL,
        kind text NOT NULL CHECK (kind IN ('SIGNUP', 'PROMO', 'COMPENSATION')),
        unit text NOT NULL CHECK (unit IN ('MONEY', 'OPERATION')),
        given {int} NOT NULL CHECK (given > 0),
        remaining {int} NOT NULL,
        priority {int} NOT NULL,
        create_time {int} NOT NULL,
        expire_time {int},
        PRIMARY KEY (user_id, grant_id),
        CHECK (remaining >= 0 AND remaining <= given)
    ) {keyed}",
    // For the sweeper.
    "CREATE INDEX grants_due ON grants (expire_time, grant_id)
        WHERE remaining > 0 AND expire_time IS NOT NULL",
    "CREATE TABLE operations (
        user_id {key} NOT NULL,
        operation_id {uuid} NOT NULL,
        request_id {key} NOT NULL,
        caller text NOT NULL,
        kind text NOT NULL,
        quantity {int} NOT NULL CHECK (quantity BETWEEN 1 AND 100),
        state text NOT NULL CHECK (state IN ('CHARGED', 'COMPLETED', 'REFUNDED', 'DECLINED')),
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
        settle_time {int},
        PRIMARY KEY (user_id, operation_id),
        CHECK ((state = 'CHARGED') = (settle_time IS NULL)),
        CHECK ((state = 'DECLINED') = (decline IS NOT NULL)),
        CHECK ((state = 'REFUNDED') = (refund_reason IS NOT NULL))
    ) {rows}",
    "CREATE UNIQUE INDEX operations_operation_id ON operations (operation_id)",
    "CREATE UNIQUE INDEX operations_request_id ON operations (request_id)",
    // For the sweeper.
    "CREATE INDEX operations_due ON operations (expire_time, operation_id) WHERE state = 'CHARGED'",
    "CREATE TABLE entries (
        user_id {key} NOT NULL,
        sequence {int} NOT NULL CHECK (sequence > 0),
        from_account text NOT NULL,
        to_account text NOT NULL,
        unit text NOT NULL CHECK (unit IN ('MONEY', 'OPERATION')),
        amount {int} NOT NULL CHECK (amount > 0),
        operation_id {uuid},
        request_id {key},
        create_time {int} NOT NULL,
        balance_after {int} NOT NULL,
        PRIMARY KEY (user_id, sequence),
        CHECK (from_account <> to_account),
        CHECK (operation_id IS NULL OR request_id IS NULL)
    ) {keyed}",
    // What moved for an operation.
    "CREATE INDEX entries_operation ON entries (user_id, operation_id, sequence)
        WHERE operation_id IS NOT NULL",
    "CREATE TABLE admin_requests (
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
    ) {rows}",
    "CREATE UNIQUE INDEX admin_requests_request_id ON admin_requests (request_id)",
    "CREATE TABLE price_lists (
        version {int} NOT NULL PRIMARY KEY CHECK (version > 0),
        publish_time {int} NOT NULL
    ) {keyed}",
    "CREATE TABLE prices (
        version {int} NOT NULL,
        position {int} NOT NULL,
        kind {key} NOT NULL,
        amount {int} NOT NULL CHECK (amount >= 0),
        free_operations_allowed {int} NOT NULL CHECK (free_operations_allowed IN (0, 1)),
        PRIMARY KEY (version, position),
        UNIQUE (version, kind)
    ) {keyed}",
];
