//! The rows, as billing-svc writes them, in SQL that both databases know.
//!
//! Operation `i` is the `i / users`th of user `i % users`, so that sequence numbers and balances follow by arithmetic. A
//! chunk's rows are made in a temporary table first, because their ids are random and stand in more than one table. What is
//! in braces is a whole number of ours, or what a database calls something.

use std::ops::Range;

use anyhow::ensure;
use jiff::Timestamp;
use sea_orm::DbBackend;

use super::Seed;

/// How many operations (or users) a statement writes.
pub(super) const CHUNK: u64 = 100_000;

/// What an administrator gave each user, micros.
const BALANCE: i64 = 1_000_000_000_000_000;
/// What is in each grant, micros.
const GRANT: i64 = 1_000_000_000_000;
/// The price of `generate` in the built-in list, which billing-svc publishes as its first.
const PRICE: i64 = 10_000_000;

/// More than any database that this is for, and so that times of charges differ.
const MOST: u64 = 1_000_000_000;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const YEAR: i64 = 365 * 24 * HOUR;
/// How long a charge is held, by billing-svc's default.
const HOLD: i64 = HOUR / 2;

/// A UUIDv7, as text, of the time `t`.
const POSTGRES_ID: &str =
    "overlay(CAST(gen_random_uuid() AS text) PLACING overlay(lpad(to_hex(t / 1000), 12, '0')
    PLACING '-' FROM 9 FOR 0) || '-7' FROM 1 FOR 15)";
const SQLITE_ID: &str =
    "lower(substr(printf('%012x', t / 1000), 1, 8) || '-' || substr(printf('%012x', t / 1000), 9)
    || '-7' || substr(hex(randomblob(2)), 1, 3) || '-' || substr('89ab', 1 + (random() & 3), 1)
    || substr(hex(randomblob(2)), 1, 3) || '-' || hex(randomblob(6)))";

/// The UUID of the text `id`.
const POSTGRES_UUID: &str = "CAST(id AS uuid)";
const SQLITE_UUID: &str = "unhex(id, '-')";

const DONE: &str = "DROP TABLE made";

/// Users, each with the request of the administrator who gave them their balance. What their operations and grants are to
/// change is counted already.
const USERS: [&str; 5] = [
    "CREATE TEMPORARY TABLE made AS
    WITH RECURSIVE n(i) AS ({numbers}), timed AS (SELECT i, CAST({begin} AS bigint) AS t FROM n)
    SELECT 'bench:' || i AS user_id, t, {id} AS request_id,
        CAST({operations} AS bigint) / {users} + CASE WHEN i < {operations} % {users} THEN 1 ELSE 0 END AS operations
    FROM timed",
    "INSERT INTO users
        (user_id, available, held, held_operations, standing, version, last_entry, create_time)
    SELECT user_id, {balance} - {price} * operations, 0, 0, 'GOOD', 1 + 2 * operations + {grants},
        1 + 2 * operations + {grants}, t
    FROM made",
    "INSERT INTO admin_requests
        (user_id, request_id, action, amount, unit, reason, caller, create_time)
    SELECT user_id, request_id, 'ADJUST_BALANCE', {balance}, 'MONEY', 'for a benchmark', 'admin', t
    FROM made",
    "INSERT INTO entries (user_id, sequence, from_account, to_account, unit, amount, request_id,
        create_time, balance_after)
    SELECT user_id, 1, 'adjustments', 'available', 'MONEY', {balance}, request_id, t, {balance}
    FROM made",
    DONE,
];

/// Charged from the balance, and completed a little later.
const OPERATIONS: [&str; 4] = [
    "CREATE TEMPORARY TABLE made AS
    WITH RECURSIVE n(i) AS ({numbers}),
        timed AS (SELECT i, {begin} + i * {step} AS t FROM n),
        named AS MATERIALIZED (SELECT i, t, {id} AS id FROM timed)
    SELECT 'bench:' || (i % {users}) AS user_id, i / {users} AS nth, t, {uuid} AS operation_id,
        {id} AS request_id
    FROM named",
    r#"INSERT INTO operations (user_id, operation_id, request_id, caller, kind, quantity, state,
        unit_price, price_version, labels, funding, refunded, refund_comment, create_time,
        expire_time, settle_time)
    SELECT user_id, operation_id, request_id, 'gateway', 'generate', 1, 'COMPLETED',
        {price}, 1, '{}', '[{"source":"balance","amount":{price}}]', 0, '', t,
        t + {hold}, t + {took}
    FROM made"#,
    "INSERT INTO entries (user_id, sequence, from_account, to_account, unit, amount, operation_id,
        create_time, balance_after)
    SELECT user_id, 2 + 2 * nth + side, CASE side WHEN 0 THEN 'available' ELSE 'held' END,
        CASE side WHEN 0 THEN 'held' ELSE 'revenue' END, 'MONEY', {price}, operation_id,
        t + side * {took}, CASE side WHEN 0 THEN {balance} - {price} * (nth + 1) ELSE 0 END
    FROM made CROSS JOIN (SELECT 0 AS side UNION ALL SELECT 1) AS sides",
    DONE,
];

/// Given when the rest was over, so that nothing of it could have been paid with them.
const GRANTS: [&str; 5] = [
    "CREATE TEMPORARY TABLE made AS
    WITH RECURSIVE n(i) AS ({numbers}),
        timed AS (SELECT i, CAST({end} AS bigint) AS t FROM n),
        named AS MATERIALIZED (SELECT i, t, {id} AS id FROM timed)
    SELECT 'bench:' || (i / {grants}) AS user_id, i % {grants} AS nth, t, id, {uuid} AS grant_id,
        {id} AS request_id, CASE WHEN i % 2 = 0 THEN t + {year} END AS expire_time
    FROM named",
    "INSERT INTO grants
        (user_id, grant_id, kind, unit, given, remaining, priority, create_time, expire_time)
    SELECT user_id, grant_id, 'PROMO', 'MONEY', {grant}, {grant}, nth, t, expire_time FROM made",
    "INSERT INTO admin_requests (user_id, request_id, action, amount, unit, grant_id, kind,
        priority, expire_time, reason, caller, create_time)
    SELECT user_id, request_id, 'GRANT_CREDITS', {grant}, 'MONEY', grant_id, 'PROMO',
        nth, expire_time, 'for a benchmark', 'admin', t
    FROM made",
    "INSERT INTO entries (user_id, sequence, from_account, to_account, unit, amount, request_id,
        create_time, balance_after)
    SELECT made.user_id, users.last_entry - {grants} + nth + 1, 'grants', 'grant:' || id, 'MONEY',
        {grant}, request_id, t, {grant}
    FROM made JOIN users ON users.user_id = made.user_id",
    DONE,
];

/// Statements that write `count` of something, chunk by chunk.
pub(super) struct Part {
    pub what: &'static str,
    pub count: u64,
    pub statements: &'static [&'static str],
}

/// What is written, in numbers.
#[derive(Debug)]
pub(super) struct Past {
    users: u64,
    operations: u64,
    grants: u64,
    /// When users came, and the first was charged; microseconds, as all times.
    begin: i64,
    /// From one charge to the next.
    step: i64,
    /// When grants were given.
    end: i64,
}

impl Past {
    /// # Errors
    /// There are no users, or so many operations for each that the balance can't have paid for them.
    pub(super) fn new(seed: &Seed) -> anyhow::Result<Self> {
        let Seed { users, operations, grants } = *seed;
        ensure!(users > 0, "a past needs users");
        let users = u64::from(users);
        let each = BALANCE.unsigned_abs() / PRICE.unsigned_abs() / 2;
        ensure!(
            operations / users < each && operations <= MOST,
            "at most {MOST} operations in all, and {each} for each user"
        );
        // An hour ago: nothing here is of today's spending or still to be swept.
        let end = Timestamp::now().as_microsecond() - HOUR;
        let begin = end - YEAR;
        let step = YEAR / i64::try_from(operations.max(1))?;
        Ok(Self { users, operations, grants: grants.into(), begin, step, end })
    }

    /// What is to be written, in that order.
    pub(super) fn parts(&self) -> [Part; 3] {
        [
            Part { what: "users", count: self.users, statements: &USERS },
            Part { what: "operations", count: self.operations, statements: &OPERATIONS },
            Part { what: "grants", count: self.users * self.grants, statements: &GRANTS },
        ]
    }

    /// A statement for a part of the numbers.
    pub(super) fn sql(&self, statement: &str, backend: DbBackend, chunk: &Range<u64>) -> String {
        let (id, uuid) = match backend {
            DbBackend::Sqlite => (SQLITE_ID, SQLITE_UUID),
            _ => (POSTGRES_ID, POSTGRES_UUID),
        };
        let numbers = format!(
            "SELECT CAST({} AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {}",
            chunk.start, chunk.end
        );
        // Completed before the same user is charged again.
        let took = (20 * SECOND).min(self.step.saturating_mul(self.users.cast_signed()) / 2);
        let words: [(&str, &dyn ToString); 15] = [
            ("{numbers}", &numbers),
            ("{id}", &id),
            ("{uuid}", &uuid),
            ("{users}", &self.users),
            ("{operations}", &self.operations),
            ("{grants}", &self.grants),
            ("{begin}", &self.begin),
            ("{step}", &self.step),
            ("{end}", &self.end),
            ("{balance}", &BALANCE),
            ("{grant}", &GRANT),
            ("{price}", &PRICE),
            ("{hold}", &HOLD),
            ("{took}", &took),
            ("{year}", &YEAR),
        ];
        words.into_iter().fold(statement.to_owned(), |statement, (word, value)| {
            statement.replace(word, &value.to_string())
        })
    }
}
