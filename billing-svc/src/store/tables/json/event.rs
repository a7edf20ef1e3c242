//! What happened, as it was then: what it is about may have changed since.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ByName, by_name, by_text, join, split};
use crate::ledger::{
    Amount, EventBody, GiftCause, Grant, GrantId, GrantKind, Kind, OperationId, OperationSettled,
    ParkReason, PaymentId, PaymentState, Provider, RefundId, RefundOrigin, RefundReason,
    RefundState, Standing, Timestamp, Unit, UserId,
};

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", content = "body", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
enum EventJson {
    #[serde(rename_all = "snake_case")]
    PaymentChanged {
        payment_id: Uuid,
        #[serde(with = "by_name")]
        provider: Provider,
        #[serde(with = "by_name")]
        state: PaymentState,
        amount: i64,
        parked: Option<ByName<ParkReason>>,
    },
    #[serde(rename_all = "snake_case")]
    RefundChanged {
        payment_id: Uuid,
        refund_id: Uuid,
        #[serde(with = "by_name")]
        provider: Provider,
        #[serde(with = "by_name")]
        origin: RefundOrigin,
        #[serde(with = "by_name")]
        state: RefundState,
        amount: i64,
    },
    OperationRefunded(SettledJson),
    OperationExpired(SettledJson),
    #[serde(rename_all = "snake_case")]
    GrantExpiring {
        grant: GrantJson,
    },
    #[serde(rename_all = "snake_case")]
    GrantGiven {
        grant: GrantJson,
        #[serde(with = "by_name")]
        cause: GiftCause,
    },
    #[serde(rename_all = "snake_case")]
    StandingChanged {
        #[serde(with = "by_name")]
        from: Standing,
        #[serde(with = "by_name")]
        to: Standing,
        paid_balance: i64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettledJson {
    operation_id: Uuid,
    #[serde(with = "by_text")]
    kind: Kind,
    refunded: i64,
    free_operations: i64,
    #[serde(with = "by_name")]
    reason: RefundReason,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantJson {
    grant_id: Uuid,
    #[serde(with = "by_text")]
    user_id: UserId,
    #[serde(with = "by_name")]
    kind: GrantKind,
    #[serde(with = "by_name")]
    unit: Unit,
    given: i64,
    remaining: i64,
    priority: i32,
    create_time: i64,
    expire_time: Option<i64>,
    announced: bool,
}

/// The name of what happened, and the rest.
pub fn write_event(body: &EventBody) -> serde_json::Result<(String, String)> {
    split(&match body {
        EventBody::PaymentChanged { payment_id, provider, state, amount, parked } => {
            EventJson::PaymentChanged {
                payment_id: payment_id.0,
                provider: *provider,
                state: *state,
                amount: amount.micros(),
                parked: parked.map(ByName),
            }
        }
        EventBody::RefundChanged { payment_id, refund_id, provider, origin, state, amount } => {
            EventJson::RefundChanged {
                payment_id: payment_id.0,
                refund_id: refund_id.0,
                provider: *provider,
                origin: *origin,
                state: *state,
                amount: amount.micros(),
            }
        }
        EventBody::OperationRefunded(settled) => {
            EventJson::OperationRefunded(SettledJson::of(settled))
        }
        EventBody::OperationExpired(settled) => {
            EventJson::OperationExpired(SettledJson::of(settled))
        }
        EventBody::GrantExpiring { grant } => {
            EventJson::GrantExpiring { grant: GrantJson::of(grant) }
        }
        EventBody::GrantGiven { grant, cause } => {
            EventJson::GrantGiven { grant: GrantJson::of(grant), cause: *cause }
        }
        EventBody::StandingChanged { from, to, paid_balance } => {
            EventJson::StandingChanged { from: *from, to: *to, paid_balance: paid_balance.micros() }
        }
    })
}

/// What happened, by its name and the rest.
pub fn read_event(name: &str, body: &str) -> serde_json::Result<EventBody> {
    Ok(match join(name, body)? {
        EventJson::PaymentChanged { payment_id, provider, state, amount, parked } => {
            EventBody::PaymentChanged {
                payment_id: PaymentId(payment_id),
                provider,
                state,
                amount: Amount::from_micros(amount),
                parked: parked.map(|ByName(why)| why),
            }
        }
        EventJson::RefundChanged { payment_id, refund_id, provider, origin, state, amount } => {
            EventBody::RefundChanged {
                payment_id: PaymentId(payment_id),
                refund_id: RefundId(refund_id),
                provider,
                origin,
                state,
                amount: Amount::from_micros(amount),
            }
        }
        EventJson::OperationRefunded(settled) => EventBody::OperationRefunded(settled.read()),
        EventJson::OperationExpired(settled) => EventBody::OperationExpired(settled.read()),
        EventJson::GrantExpiring { grant } => EventBody::GrantExpiring { grant: grant.read() },
        EventJson::GrantGiven { grant, cause } => {
            EventBody::GrantGiven { grant: grant.read(), cause }
        }
        EventJson::StandingChanged { from, to, paid_balance } => {
            EventBody::StandingChanged { from, to, paid_balance: Amount::from_micros(paid_balance) }
        }
    })
}

impl SettledJson {
    fn of(settled: &OperationSettled) -> Self {
        Self {
            operation_id: settled.operation_id.0,
            kind: settled.kind.clone(),
            refunded: settled.refunded.micros(),
            free_operations: settled.free_operations,
            reason: settled.reason,
        }
    }

    fn read(self) -> OperationSettled {
        OperationSettled {
            operation_id: OperationId(self.operation_id),
            kind: self.kind,
            refunded: Amount::from_micros(self.refunded),
            free_operations: self.free_operations,
            reason: self.reason,
        }
    }
}

impl GrantJson {
    fn of(grant: &Grant) -> Self {
        Self {
            grant_id: grant.grant_id.0,
            user_id: grant.user_id.clone(),
            kind: grant.kind,
            unit: grant.unit,
            given: grant.given,
            remaining: grant.remaining,
            priority: grant.priority,
            create_time: grant.create_time.micros(),
            expire_time: grant.expire_time.map(Timestamp::micros),
            announced: grant.announced,
        }
    }

    fn read(self) -> Grant {
        Grant {
            grant_id: GrantId(self.grant_id),
            user_id: self.user_id,
            kind: self.kind,
            unit: self.unit,
            given: self.given,
            remaining: self.remaining,
            priority: self.priority,
            create_time: Timestamp::from_micros(self.create_time),
            expire_time: self.expire_time.map(Timestamp::from_micros),
            announced: self.announced,
        }
    }
}
