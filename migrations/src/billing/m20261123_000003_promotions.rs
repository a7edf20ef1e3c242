//! Promo codes with their redemptions, referrals with users' own codes.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use super::dialect::run;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000003_promotions"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &STATEMENTS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = [
            "DROP TABLE referral_codes",
            "DROP TABLE referrals",
            "DROP TABLE promo_redemptions",
            "DROP TABLE promo_codes",
        ];
        run(manager, &statements).await
    }
}

const STATEMENTS: [&str; 7] = [
    "CREATE TABLE promo_codes (
        code {key} NOT NULL PRIMARY KEY,
        campaign text NOT NULL,
        unit text NOT NULL CHECK (unit IN ('MONEY', 'OPERATION')),
        amount {int} NOT NULL CHECK (amount > 0),
        priority {int} NOT NULL,
        max_redemptions {int} NOT NULL CHECK (max_redemptions > 0),
        redemptions {int} NOT NULL,
        expire_time {int},
        grant_expire_time {int},
        create_time {int} NOT NULL,
        CHECK (redemptions BETWEEN 0 AND max_redemptions)
    ) {keyed}",
    "CREATE INDEX promo_codes_newest ON promo_codes (create_time, code)",
    "CREATE TABLE promo_redemptions (
        user_id {key} NOT NULL,
        code {key} NOT NULL,
        grant_id {uuid} NOT NULL,
        create_time {int} NOT NULL,
        PRIMARY KEY (user_id, code)
    ) {keyed}",
    "CREATE TABLE referrals (
        user_id {key} NOT NULL PRIMARY KEY,
        inviter {key} NOT NULL,
        state text NOT NULL CHECK (state IN ('ACCEPTED', 'EARNED', 'REWARDED')),
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        CHECK (user_id <> inviter)
    ) {keyed}",
    // Whom somebody has invited.
    "CREATE INDEX referrals_inviter ON referrals (inviter)",
    // Who is still to be rewarded.
    "CREATE INDEX referrals_earned ON referrals (update_time, user_id) WHERE state = 'EARNED'",
    "CREATE TABLE referral_codes (
        user_id {key} NOT NULL PRIMARY KEY,
        code {key} NOT NULL UNIQUE,
        create_time {int} NOT NULL
    ) {keyed}",
];
