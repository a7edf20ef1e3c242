//! The tables of the one-transaction service and of its twin for pgbench. As few indexes as such a service can do with:
//! every further one would make Kopilka look better.

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, Executor, PgConnection};

/// What an operation of the kind `generate` costs: as in Kopilka's own price list, 10 roubles.
pub const PRICE_MICROS: i64 = 10_000_000;
/// What everybody starts with: as much as the users of the measured databases have.
const BALANCE_MICROS: i64 = 1_000_000_000_000_000;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS users (
    user_id text PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0),
    version bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS prices (
    kind text PRIMARY KEY,
    amount bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS operations (
    operation_id uuid PRIMARY KEY,
    request_id text NOT NULL UNIQUE,
    user_id text NOT NULL,
    kind text NOT NULL,
    price bigint NOT NULL,
    state smallint NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS entries (
    user_id text NOT NULL,
    version bigint NOT NULL,
    operation_id uuid NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, version)
);
";

/// Makes what is missing: the tables, the price list, and the users `bench:0` to `bench:{users - 1}` with a balance.
///
/// # Errors
/// The database can't be reached, or refuses.
pub async fn prepare(url: &SecretString, users: u32) -> anyhow::Result<()> {
    let mut connection =
        PgConnection::connect(url.expose_secret()).await.context("the baseline's database")?;
    connection.execute(TABLES).await?;
    sqlx::query("INSERT INTO prices VALUES ('generate', $1) ON CONFLICT DO NOTHING")
        .bind(PRICE_MICROS)
        .execute(&mut connection)
        .await?;
    sqlx::query(
        "INSERT INTO users SELECT 'bench:' || n, $1, 1 FROM generate_series(0, $2 - 1) n ON CONFLICT DO NOTHING",
    )
    .bind(BALANCE_MICROS)
    .bind(i64::from(users))
    .execute(&mut connection)
    .await?;
    connection.execute("VACUUM ANALYZE").await?;
    connection.close().await?;
    Ok(())
}
