//! An operation's funding, decline and labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ledger::{Amount, Decline, GrantId, Slice, Source};

#[derive(Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
enum SliceJson {
    FreeOperations { grant_id: Uuid, amount: i64 },
    Promotional { grant_id: Uuid, amount: i64 },
    Balance { amount: i64 },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
enum DeclineJson {
    #[serde(rename_all = "snake_case")]
    InsufficientFunds {
        required: i64,
        available: i64,
        missing: i64,
    },
    PriceChanged,
    UserBlocked,
    InDebt,
}

pub fn write_funding(funding: &[Slice]) -> serde_json::Result<String> {
    let slices: Vec<SliceJson> = funding
        .iter()
        .map(|&Slice { source, amount }| match source {
            Source::FreeOperations(GrantId(grant_id)) => {
                SliceJson::FreeOperations { grant_id, amount }
            }
            Source::Promotional(GrantId(grant_id)) => SliceJson::Promotional { grant_id, amount },
            Source::Balance => SliceJson::Balance { amount },
        })
        .collect();
    serde_json::to_string(&slices)
}

pub fn read_funding(text: &str) -> serde_json::Result<Vec<Slice>> {
    let slices: Vec<SliceJson> = serde_json::from_str(text)?;
    Ok(slices
        .into_iter()
        .map(|slice| match slice {
            SliceJson::FreeOperations { grant_id, amount } => {
                Slice { source: Source::FreeOperations(GrantId(grant_id)), amount }
            }
            SliceJson::Promotional { grant_id, amount } => {
                Slice { source: Source::Promotional(GrantId(grant_id)), amount }
            }
            SliceJson::Balance { amount } => Slice { source: Source::Balance, amount },
        })
        .collect())
}

pub fn write_decline(decline: &Decline) -> serde_json::Result<String> {
    serde_json::to_string(&match decline {
        Decline::InsufficientFunds { required, available, missing } => {
            DeclineJson::InsufficientFunds {
                required: required.micros(),
                available: available.micros(),
                missing: missing.micros(),
            }
        }
        Decline::PriceChanged => DeclineJson::PriceChanged,
        Decline::UserBlocked => DeclineJson::UserBlocked,
        Decline::InDebt => DeclineJson::InDebt,
    })
}

pub fn read_decline(text: &str) -> serde_json::Result<Decline> {
    Ok(match serde_json::from_str(text)? {
        DeclineJson::InsufficientFunds { required, available, missing } => {
            Decline::InsufficientFunds {
                required: Amount::from_micros(required),
                available: Amount::from_micros(available),
                missing: Amount::from_micros(missing),
            }
        }
        DeclineJson::PriceChanged => Decline::PriceChanged,
        DeclineJson::UserBlocked => Decline::UserBlocked,
        DeclineJson::InDebt => Decline::InDebt,
    })
}

pub fn write_labels(labels: &BTreeMap<String, String>) -> serde_json::Result<String> {
    serde_json::to_string(labels)
}

pub fn read_labels(text: &str) -> serde_json::Result<BTreeMap<String, String>> {
    serde_json::from_str(text)
}
