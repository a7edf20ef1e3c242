//! The ledger's refusals in the caller's words: which reason, which code, what a program can act on.

use std::time::Duration;

use proto::billing::v1::ErrorReason;
use service_kit::grpc::Refusal as Answer;
use tonic::Code;

use super::status::{
    answer, bad_field, forbidden, internal, limited, operation_not_found, unknown_kind,
};
use super::to_wire::{payment_state_name, state_name};
use crate::ledger::{
    Amount, OperationId, OperationState, PaymentId, PaymentState, ReferralRefusal, Rejection,
};

/// What a refusal of the ledger says; amounts are said in `currency`.
pub fn in_words(rejection: Rejection, currency: &str) -> Answer {
    match rejection {
        Rejection::InsufficientFunds { required, available, missing, operation_id } => {
            insufficient_funds([required, available, missing], operation_id, currency)
        }
        Rejection::RequestIdReused { field } => {
            let message = format!(
                "this request_id belongs to a request with another {field}: a new request takes a new request_id"
            );
            answer(Code::AlreadyExists, ErrorReason::RequestIdReused, message)
                .metadata("field", field)
        }
        Rejection::PriceChanged { price, operation_id: _ } => {
            let message = format!(
                "the price is {price} {currency}, above max_price: show it, then charge under a new request_id"
            );
            refused(ErrorReason::PriceChanged, message)
                .metadata("price", price.to_string())
                .metadata("currency", currency)
        }
        Rejection::UserBlocked { operation_id: _ } | Rejection::Blocked => refused(
            ErrorReason::UserBlocked,
            "the user is blocked: only an administrator can change that",
        ),
        Rejection::InDebt { operation_id: _ } => {
            refused(ErrorReason::InDebt, "the user owes money: a top-up repays it first")
        }
        Rejection::OpenHolds { limit } => open_holds(limit),
        Rejection::DailySpend { limit, left, wait } => daily_spend([limit, left], wait, currency),
        Rejection::OperationSettled { operation_id, state } => settled(operation_id, state),
        Rejection::OperationNotFound => operation_not_found(),
        Rejection::UnknownKind => unknown_kind(),
        Rejection::InvalidField { field, takes } => {
            bad_field(ErrorReason::InvalidField, field, takes)
        }
        Rejection::Forbidden { may } => forbidden(may),
        Rejection::PaymentNotFound => payment_not_found(),
        Rejection::PaymentState { payment_id, state } => wrong_state(payment_id, state),
        Rejection::GrantNotFound => answer(
            Code::NotFound,
            ErrorReason::GrantNotFound,
            "no grant of this user has this grant_id: ListGrants names them",
        ),
        Rejection::PromoCodeNotFound => {
            answer(Code::NotFound, ErrorReason::PromoCodeNotFound, "there is no such promo code")
        }
        Rejection::PromoCodeExpired => {
            refused(ErrorReason::PromoCodeExpired, "the promo code's time is over")
        }
        Rejection::PromoCodeUsedUp => refused(
            ErrorReason::PromoCodeUsedUp,
            "as many users as can have redeemed the promo code",
        ),
        Rejection::PromoCodeExists => answer(
            Code::AlreadyExists,
            ErrorReason::PromoCodeExists,
            "another request made a promo code of this name: choose another code",
        ),
        Rejection::ReferralRefused { why } => referral_refused(why),
        Rejection::Corrupt { what } => {
            tracing::error!(what, "the database contradicts itself: run `billing-svc verify`");
            internal()
        }
    }
}

fn insufficient_funds(
    [required, available, missing]: [Amount; 3],
    operation_id: Option<OperationId>,
    currency: &str,
) -> Answer {
    let message = format!(
        "{required} {currency} needed, {available} there: add {missing}, then ask under a new request_id"
    );
    let answer = refused(ErrorReason::InsufficientFunds, message)
        .metadata("required", required.to_string())
        .metadata("available", available.to_string())
        .metadata("missing", missing.to_string())
        .metadata("currency", currency);
    match operation_id {
        Some(id) => answer.metadata("operation_id", id.to_string()),
        None => answer,
    }
}

/// Holds end by themselves, and mostly soon: nobody can know when.
fn open_holds(limit: i64) -> Answer {
    const SOON: Duration = Duration::from_secs(5);
    let message = format!(
        "the user has {limit} operations under way, as many as they may: send the same request again when one has ended"
    );
    limited("open_holds", message, Some(SOON)).metadata("max", limit.to_string())
}

fn daily_spend([limit, left]: [Amount; 2], wait: Option<Duration>, currency: &str) -> Answer {
    let when = match wait {
        Some(_) => "send the same request again after 00:00 UTC",
        None => "it is above the limit of a whole day",
    };
    let message = format!(
        "of the {limit} {currency} that the user may spend on one day {left} are left, less than this charge takes: {when}"
    );
    limited("daily_spend", message, wait)
        .metadata("max", limit.to_string())
        .metadata("left", left.to_string())
        .metadata("currency", currency)
}

fn settled(operation_id: OperationId, state: OperationState) -> Answer {
    let (reason, message) = match state {
        OperationState::Completed => (
            ErrorReason::OperationCompleted,
            "the operation is completed: only an admin can still give its money back",
        ),
        OperationState::Refunded => {
            (ErrorReason::OperationRefunded, "the operation was refunded: nothing is held for it")
        }
        OperationState::Declined => (
            ErrorReason::OperationDeclined,
            "the charge was declined: nothing was ever taken for it",
        ),
        OperationState::Charged => {
            tracing::error!(%operation_id, "an open operation was called settled");
            return internal();
        }
    };
    refused(reason, message)
        .metadata("operation_id", operation_id.to_string())
        .metadata("state", state_name(state))
}

fn payment_not_found() -> Answer {
    let message = "no payment has this payment_id";
    answer(Code::NotFound, ErrorReason::PaymentNotFound, message)
}

fn wrong_state(payment_id: PaymentId, state: PaymentState) -> Answer {
    let state = payment_state_name(state);
    let message = format!("the payment is {state}: this can't be done with it");
    refused(ErrorReason::PaymentState, message)
        .metadata("payment_id", payment_id.to_string())
        .metadata("state", state)
}

fn referral_refused(why: ReferralRefusal) -> Answer {
    let (name, message) = match why {
        ReferralRefusal::UnknownCode => ("UNKNOWN_CODE", "nobody has this referral code"),
        ReferralRefusal::Own => ("SELF", "it is the user's own referral code"),
        ReferralRefusal::Loop => {
            ("LOOP", "the user has invited others: an invitation is for those who are new")
        }
        ReferralRefusal::Invited => ("INVITED", "somebody else has invited this user before"),
        ReferralRefusal::Customer => ("CUSTOMER", "the user has topped up before"),
    };
    refused(ErrorReason::ReferralRefused, message).metadata("why", name)
}

fn refused(reason: ErrorReason, message: impl Into<String>) -> Answer {
    answer(Code::FailedPrecondition, reason, message)
}
