//! What administrators asked for, but for what has columns of its own.

use serde::{Deserialize, Serialize, de::Error as _};
use uuid::Uuid;

use super::{by_name, by_text, join, split};
use crate::ledger::{
    AdminAction, Amount, Credits, DisputeOutcome, GrantId, Kind, PaymentId, Price, PriceList,
    PromoCode, PromoCodeName, RefundId, Standing, Timestamp, Unit,
};

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", content = "body", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
enum ActionJson {
    #[serde(rename_all = "snake_case")]
    RevokeGrant {
        grant_id: Uuid,
    },
    #[serde(rename_all = "snake_case")]
    SetStanding {
        #[serde(with = "by_name")]
        standing: Standing,
    },
    #[serde(rename_all = "snake_case")]
    PublishPrices {
        version: i64,
        prices: Vec<PriceJson>,
    },
    CreatePromoCode(PromoCodeJson),
    #[serde(rename_all = "snake_case")]
    CreditPayment {
        payment_id: Uuid,
        amount: Option<i64>,
    },
    #[serde(rename_all = "snake_case")]
    RefundPayment {
        payment_id: Uuid,
        refund_id: Uuid,
        amount: Option<i64>,
    },
    #[serde(rename_all = "snake_case")]
    RecordDispute {
        payment_id: Uuid,
        #[serde(with = "by_name")]
        outcome: DisputeOutcome,
        amount: Option<i64>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceJson {
    #[serde(with = "by_text")]
    kind: Kind,
    amount: i64,
    free_operations_allowed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PromoCodeJson {
    #[serde(with = "by_text")]
    code: PromoCodeName,
    campaign: String,
    #[serde(with = "by_name")]
    unit: Unit,
    amount: i64,
    priority: i32,
    max_redemptions: i64,
    redemptions: i64,
    expire_time: Option<i64>,
    grant_expire_time: Option<i64>,
    create_time: i64,
}

/// The name and the details of an action that has no columns of its own.
pub fn write_action(action: &AdminAction) -> serde_json::Result<(String, String)> {
    let json = match action {
        AdminAction::AdjustBalance(_) | AdminAction::GrantCredits { .. } => {
            return Err(serde_json::Error::custom("has columns of its own"));
        }
        AdminAction::RevokeGrant(GrantId(grant_id)) => {
            ActionJson::RevokeGrant { grant_id: *grant_id }
        }
        AdminAction::SetStanding(standing) => ActionJson::SetStanding { standing: *standing },
        AdminAction::PublishPrices(list) => ActionJson::PublishPrices {
            version: list.version,
            prices: list.prices.iter().map(PriceJson::of).collect(),
        },
        AdminAction::CreatePromoCode(code) => ActionJson::CreatePromoCode(PromoCodeJson::of(code)),
        AdminAction::CreditPayment { payment_id, amount } => ActionJson::CreditPayment {
            payment_id: payment_id.0,
            amount: amount.map(Amount::micros),
        },
        AdminAction::RefundPayment { payment_id, refund_id, amount } => ActionJson::RefundPayment {
            payment_id: payment_id.0,
            refund_id: refund_id.0,
            amount: amount.map(Amount::micros),
        },
        AdminAction::RecordDispute { payment_id, outcome, amount } => ActionJson::RecordDispute {
            payment_id: payment_id.0,
            outcome: *outcome,
            amount: amount.map(Amount::micros),
        },
    };
    split(&json)
}

/// The action of a name and its details.
pub fn read_action(name: &str, details: &str) -> serde_json::Result<AdminAction> {
    Ok(match join(name, details)? {
        ActionJson::RevokeGrant { grant_id } => AdminAction::RevokeGrant(GrantId(grant_id)),
        ActionJson::SetStanding { standing } => AdminAction::SetStanding(standing),
        ActionJson::PublishPrices { version, prices } => AdminAction::PublishPrices(PriceList {
            version,
            prices: prices.into_iter().map(PriceJson::read).collect(),
        }),
        ActionJson::CreatePromoCode(code) => AdminAction::CreatePromoCode(code.read()),
        ActionJson::CreditPayment { payment_id, amount } => AdminAction::CreditPayment {
            payment_id: PaymentId(payment_id),
            amount: amount.map(Amount::from_micros),
        },
        ActionJson::RefundPayment { payment_id, refund_id, amount } => AdminAction::RefundPayment {
            payment_id: PaymentId(payment_id),
            refund_id: RefundId(refund_id),
            amount: amount.map(Amount::from_micros),
        },
        ActionJson::RecordDispute { payment_id, outcome, amount } => AdminAction::RecordDispute {
            payment_id: PaymentId(payment_id),
            outcome,
            amount: amount.map(Amount::from_micros),
        },
    })
}

impl PriceJson {
    fn of(price: &Price) -> Self {
        Self {
            kind: price.kind.clone(),
            amount: price.amount.micros(),
            free_operations_allowed: price.free_operations_allowed,
        }
    }

    fn read(self) -> Price {
        Price {
            kind: self.kind,
            amount: Amount::from_micros(self.amount),
            free_operations_allowed: self.free_operations_allowed,
        }
    }
}

impl PromoCodeJson {
    fn of(code: &PromoCode) -> Self {
        Self {
            code: code.code.clone(),
            campaign: code.campaign.clone(),
            unit: code.credits.unit,
            amount: code.credits.amount,
            priority: code.priority,
            max_redemptions: code.max_redemptions,
            redemptions: code.redemptions,
            expire_time: code.expire_time.map(Timestamp::micros),
            grant_expire_time: code.grant_expire_time.map(Timestamp::micros),
            create_time: code.create_time.micros(),
        }
    }

    fn read(self) -> PromoCode {
        PromoCode {
            code: self.code,
            campaign: self.campaign,
            credits: Credits { unit: self.unit, amount: self.amount },
            priority: self.priority,
            max_redemptions: self.max_redemptions,
            redemptions: self.redemptions,
            expire_time: self.expire_time.map(Timestamp::from_micros),
            grant_expire_time: self.grant_expire_time.map(Timestamp::from_micros),
            create_time: Timestamp::from_micros(self.create_time),
        }
    }
}
