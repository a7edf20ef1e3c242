//! Payments and their refunds, where each provider's feed was read to, and the inbox of providers' notifications.
//!
//! Keys start with the user, as in the tables before; ids that others know a payment by are unique by themselves.
//! What moved for a payment is found through its user's entries, so `entries` gets no index.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use super::dialect::{add_column, run};
use crate::queue_table;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000002_payments"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_column(manager, "users", "topups", "{int} NOT NULL DEFAULT 0", "topups >= 0").await?;
        let alone = "payment_id IS NULL OR (operation_id IS NULL AND request_id IS NULL)";
        add_column(manager, "entries", "payment_id", "{uuid}", alone).await?;
        run(manager, &STATEMENTS).await?;
        queue_table("notifications").up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("notifications").down(manager).await?;
        let statements = [
            "DROP TABLE provider_cursors",
            "DROP TABLE payment_refunds",
            "DROP TABLE payments",
            "ALTER TABLE entries DROP COLUMN payment_id",
            "ALTER TABLE users DROP COLUMN topups",
        ];
        run(manager, &statements).await
    }
}

const STATEMENTS: [&str; 10] = [
    "CREATE TABLE payments (
        user_id {key} NOT NULL,
        payment_id {uuid} NOT NULL,
        request_id {key} NOT NULL,
        caller text NOT NULL,
        provider {key} NOT NULL,
        amount {int} NOT NULL CHECK (amount > 0),
        price_amount {int} NOT NULL CHECK (price_amount > 0),
        price_currency text NOT NULL,
        return_url text,
        receipt_email text,
        state text NOT NULL CHECK (state IN
            ('CREATED', 'PENDING', 'PAID', 'CREDITED', 'CANCELED', 'EXPIRED', 'REFUNDED', 'DISPUTED')),
        provider_payment_id {key},
        confirmation_url text,
        method text,
        received_amount {int},
        received_currency text,
        parked text,
        credited {int} NOT NULL CHECK (credited >= 0),
        repeat_of {uuid},
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        paid_time {int},
        credit_time {int},
        next_check {int},
        checks {int} NOT NULL CHECK (checks >= 0),
        PRIMARY KEY (user_id, payment_id),
        CHECK (parked IS NULL OR state = 'PAID'),
        CHECK ((credited > 0) = (credit_time IS NOT NULL)),
        CHECK ((received_amount IS NULL) = (received_currency IS NULL))
    ) {rows}",
    "CREATE UNIQUE INDEX payments_payment_id ON payments (payment_id)",
    "CREATE UNIQUE INDEX payments_request_id ON payments (request_id)",
    "CREATE UNIQUE INDEX payments_provider_payment_id ON payments (provider, provider_payment_id)
        WHERE provider_payment_id IS NOT NULL",
    // For the janitor: what to ask about, what to credit; and the alert on what waits for a person.
    "CREATE INDEX payments_check ON payments (next_check, payment_id) WHERE next_check IS NOT NULL",
    "CREATE INDEX payments_uncredited ON payments (payment_id) WHERE state = 'PAID' AND parked IS NULL",
    "CREATE INDEX payments_parked ON payments (payment_id) WHERE parked IS NOT NULL",
    // A null id differs from every other, on both databases: refunds without one are not limited by the pair.
    "CREATE TABLE payment_refunds (
        user_id {key} NOT NULL,
        refund_id {uuid} NOT NULL,
        payment_id {uuid} NOT NULL,
        origin text NOT NULL CHECK (origin IN ('ADMIN', 'PROVIDER', 'DISPUTE', 'RULE')),
        state text NOT NULL CHECK (state IN ('PENDING', 'SUCCEEDED', 'REVERSED')),
        amount {int} NOT NULL CHECK (amount >= 0),
        price_amount {int} NOT NULL CHECK (price_amount >= 0),
        price_currency text NOT NULL,
        reason text NOT NULL,
        provider_refund_id {key},
        create_time {int} NOT NULL,
        settle_time {int},
        next_try {int},
        tries {int} NOT NULL CHECK (tries >= 0),
        PRIMARY KEY (user_id, refund_id),
        UNIQUE (payment_id, provider_refund_id),
        CHECK ((state = 'PENDING') = (settle_time IS NULL)),
        CHECK (next_try IS NULL OR state = 'PENDING')
    ) {rows}",
    "CREATE INDEX payment_refunds_due ON payment_refunds (next_try, refund_id)
        WHERE state = 'PENDING' AND next_try IS NOT NULL",
    "CREATE TABLE provider_cursors (
        provider {key} NOT NULL PRIMARY KEY,
        cursor text NOT NULL,
        update_time {int} NOT NULL
    ) {keyed}",
];
