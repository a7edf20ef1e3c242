//! Answers of the ledger as the tables write them: outcomes small or by the operation's state, refusals by their reason.

use std::time::Duration;

use super::money_words;
use super::world::START;
use crate::ledger::model_test::memory::Memory;
use crate::ledger::*;

pub fn answer(memory: &Memory, command: &Command, outcome: &Result<Outcome, Rejection>) -> String {
    match outcome {
        Ok(Outcome::Operation { operation, replayed, .. }) => {
            let said = match command {
                Command::ExtendHold { .. } => format!("until {}", moment(operation.expire_time)),
                _ => operation_in_words(memory, operation),
            };
            format!("{said}{}", again(*replayed))
        }
        Ok(Outcome::Adjusted { replayed, .. }) => format!("adjusted{}", again(*replayed)),
        Ok(Outcome::Granted { grant, replayed, .. }) => {
            format!("granted {}{}", grant_in_words(grant), again(*replayed))
        }
        Ok(Outcome::Payment { payment, refunds, replayed, .. }) => {
            format!("{}{}", money_words::payment(payment, refunds), again(*replayed))
        }
        Ok(Outcome::PromoCode { promo_code, replayed }) => {
            let (used, max) = (promo_code.redemptions, promo_code.max_redemptions);
            format!("{} {used}/{max}{}", promo_code.code, again(*replayed))
        }
        Ok(Outcome::Prices { prices, replayed }) => {
            format!("version {}{}", prices.version, again(*replayed))
        }
        Ok(Outcome::Referred { replayed }) => format!("invited{}", again(*replayed)),
        Ok(Outcome::ReferralCode { code }) => code.to_string(),
        Ok(Outcome::Swept { changed: true }) => "swept".into(),
        Ok(Outcome::Swept { changed: false }) => "nothing to sweep".into(),
        Err(rejection) => refusal(memory, rejection),
    }
}

fn again(replayed: bool) -> &'static str {
    if replayed { " (replayed)" } else { "" }
}

fn operation_in_words(memory: &Memory, operation: &Operation) -> String {
    match operation.state {
        OperationState::Charged if operation.funding.is_empty() => "CHARGED".into(),
        OperationState::Charged => {
            let slices = operation.funding.iter().map(|slice| match slice.source {
                Source::FreeOperations(id) => format!("{} of {}", slice.amount, name(memory, id)),
                Source::Promotional(id) => {
                    format!("{} from {}", micros(slice.amount), name(memory, id))
                }
                Source::Balance => format!("{} paid", micros(slice.amount)),
            });
            format!("CHARGED: {}", slices.collect::<Vec<_>>().join(", "))
        }
        OperationState::Completed => "COMPLETED".into(),
        OperationState::Refunded => {
            let reason = match operation.refund_reason {
                Some(RefundReason::JobFailed) => "JOB_FAILED",
                Some(RefundReason::ContentRejected) => "CONTENT_REJECTED",
                Some(RefundReason::CustomerRequest) => "CUSTOMER_REQUEST",
                Some(RefundReason::Undeliverable) => "UNDELIVERABLE",
                Some(RefundReason::Other) => "OTHER",
                Some(RefundReason::Expired) => "EXPIRED",
                None => "without a reason",
            };
            let said = match operation.refund_comment.as_str() {
                "" => String::new(),
                comment => format!(" \"{comment}\""),
            };
            format!("REFUNDED {} {reason}{said}", amount(operation.refunded))
        }
        OperationState::Declined => "DECLINED".into(),
    }
}

/// `of r1` names the decline that is kept: the operation that was charged as r1.
fn refusal(memory: &Memory, rejection: &Rejection) -> String {
    let of = |id: &OperationId| {
        let kept = memory.operations.get(id);
        kept.map_or(" of nothing".to_owned(), |operation| format!(" of {}", operation.request_id))
    };
    match rejection {
        Rejection::InsufficientFunds { required, available, missing, operation_id } => {
            let kept = operation_id.as_ref().map(of).unwrap_or_default();
            let (required, available) = (amount(*required), amount(*available));
            let missing = amount(*missing);
            format!("INSUFFICIENT_FUNDS{kept}: {required} of {available}, {missing} missing")
        }
        Rejection::RequestIdReused { field } => format!("REQUEST_ID_REUSED: {field}"),
        Rejection::PriceChanged { price, operation_id } => {
            format!("PRICE_CHANGED{}: {}", of(operation_id), amount(*price))
        }
        Rejection::UserBlocked { operation_id } => format!("USER_BLOCKED{}", of(operation_id)),
        Rejection::InDebt { operation_id } => format!("IN_DEBT{}", of(operation_id)),
        Rejection::OpenHolds { limit } => format!("OPEN_HOLDS: {limit}"),
        Rejection::DailySpend { limit, left, wait } => {
            let wait = wait.map(|wait| format!(", wait {}", words_of(wait))).unwrap_or_default();
            format!("DAILY_SPEND: {} of {} left{wait}", amount(*left), amount(*limit))
        }
        Rejection::OperationSettled { operation_id, state } => {
            let state = match state {
                OperationState::Charged => "OPERATION_CHARGED",
                OperationState::Completed => "OPERATION_COMPLETED",
                OperationState::Refunded => "OPERATION_REFUNDED",
                OperationState::Declined => "OPERATION_DECLINED",
            };
            format!("{state}{}", of(operation_id))
        }
        Rejection::OperationNotFound => "OPERATION_NOT_FOUND".into(),
        Rejection::UnknownKind => "UNKNOWN_KIND".into(),
        Rejection::InvalidField { field, .. } => format!("INVALID_FIELD: {field}"),
        Rejection::Forbidden { .. } => "FORBIDDEN".into(),
        Rejection::Blocked => "BLOCKED".into(),
        Rejection::PaymentNotFound => "PAYMENT_NOT_FOUND".into(),
        Rejection::PaymentState { state, .. } => {
            format!("PAYMENT_STATE: {}", money_words::payment_state(*state))
        }
        Rejection::GrantNotFound => "GRANT_NOT_FOUND".into(),
        Rejection::PromoCodeNotFound => "PROMO_CODE_NOT_FOUND".into(),
        Rejection::PromoCodeExpired => "PROMO_CODE_EXPIRED".into(),
        Rejection::PromoCodeUsedUp => "PROMO_CODE_USED_UP".into(),
        Rejection::PromoCodeExists => "PROMO_CODE_EXISTS".into(),
        Rejection::ReferralRefused { why } => format!("REFERRAL_REFUSED: {why:?}"),
        Rejection::Corrupt { what } => format!("corrupt: {what}"),
    }
}

/// `2/5`, and when it ends.
pub fn grant_in_words(grant: &Grant) -> String {
    let number = |amount| match grant.unit {
        Unit::Money => micros(amount),
        Unit::Operation => amount.to_string(),
    };
    let end = grant.expire_time.map(|end| format!(" until {}", moment(end))).unwrap_or_default();
    format!("{}/{}{end}", number(grant.remaining), number(grant.given))
}

/// The request or the code that gave a grant.
pub fn name(memory: &Memory, id: GrantId) -> String {
    let gave = |request: &&AdminRequest| matches!(request.action, AdminAction::GrantCredits { grant_id, .. } if grant_id == id);
    let request = memory.admin_requests.values().find(gave);
    let request = request.map(|request| request.request_id.to_string());
    let redeemed = memory.redemptions.values().find(|redemption| redemption.grant_id == id);
    let code = redeemed.map(|redemption| redemption.code.to_string());
    let referral = memory.referrals.keys().find_map(|user| match id {
        _ if id == GrantId::invited(user) => Some("invited".to_owned()),
        _ if id == GrantId::inviter(user) => Some("inviter".to_owned()),
        _ => None,
    });
    request.or(code).or(referral).unwrap_or_else(|| "signup".to_owned())
}

pub fn amount(amount: Amount) -> String {
    let text = amount.to_string();
    text.strip_suffix(".00").map(str::to_owned).unwrap_or(text)
}

pub fn micros(micros: i64) -> String {
    amount(Amount::from_micros(micros))
}

/// Counted from the start of the table.
pub fn moment(time: Timestamp) -> String {
    in_units(time.micros() - START.micros())
}

fn words_of(time: Duration) -> String {
    in_units(time.as_micros() as i64)
}

fn in_units(micros: i64) -> String {
    match micros {
        _ if micros % 3_600_000_000 == 0 => format!("{}h", micros / 3_600_000_000),
        _ if micros % 60_000_000 == 0 => format!("{}m", micros / 60_000_000),
        _ => format!("{micros}us"),
    }
}
