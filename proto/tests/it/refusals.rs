//! What refused a call, in types: of everything a server may write.

use std::collections::HashMap;

use proto::billing::v1::{ErrorReason, OperationState, PaymentState};
use proto::client::{CallError, Limit, Refusal};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

fn refusal(reason: &str, metadata: &[(&str, &str)]) -> Option<Refusal> {
    let metadata: HashMap<_, _> =
        metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let details = ErrorDetails::with_error_info(reason, "billing.kopilka", metadata);
    CallError::from(Status::with_error_details(Code::FailedPrecondition, "no", details)).refusal()
}

#[test]
fn amounts_are_exact() {
    let said = [
        ("required", "10"),
        ("available", "7.500001"),
        ("missing", "2.499999"),
        ("currency", "RUB"),
        ("operation_id", "op"),
    ];
    let Some(Refusal::InsufficientFunds { required, available, missing, currency, operation_id }) =
        refusal("INSUFFICIENT_FUNDS", &said)
    else {
        panic!();
    };
    assert_eq!(available + missing, required);
    assert_eq!((currency.as_str(), operation_id.as_deref()), ("RUB", Some("op")));
    let price = refusal("PRICE_CHANGED", &[("price", "12.5"), ("currency", "RUB")]);
    let changed =
        Refusal::PriceChanged { price: "12.5".parse().unwrap(), currency: "RUB".to_owned() };
    assert_eq!(price, Some(changed));
}

#[test]
fn what_is_settled_says_how_and_perhaps_which() {
    for (reason, state) in [
        ("OPERATION_COMPLETED", OperationState::Completed),
        ("OPERATION_REFUNDED", OperationState::Refunded),
        ("OPERATION_DECLINED", OperationState::Declined),
    ] {
        let nameless = Refusal::OperationSettled { operation_id: None, state };
        assert_eq!(refusal(reason, &[]), Some(nameless));
        let named = Refusal::OperationSettled { operation_id: Some("op".to_owned()), state };
        assert_eq!(refusal(reason, &[("operation_id", "op")]), Some(named));
    }
    let state = |name| match refusal("PAYMENT_STATE", &[("payment_id", "p"), ("state", name)]) {
        Some(Refusal::PaymentState { state, .. }) => state,
        other => panic!("{other:?}"),
    };
    assert_eq!(state("PAID"), PaymentState::Paid);
    assert_eq!(state("a newer one"), PaymentState::Unspecified);
}

#[test]
fn limits_are_told_apart() {
    let limit = |said: &[(&str, &str)]| match refusal("LIMIT_EXCEEDED", said) {
        Some(Refusal::LimitExceeded(limit)) => limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(limit(&[("limit", "caller_rate")]), Limit::CallerRate);
    assert_eq!(limit(&[("limit", "user_rate")]), Limit::UserRate);
    assert_eq!(limit(&[("limit", "open_holds"), ("max", "3")]), Limit::OpenHolds { max: Some(3) });
    assert_eq!(limit(&[("limit", "open_holds"), ("max", "-3")]), Limit::OpenHolds { max: None });
    let spent = [("limit", "daily_spend"), ("max", "500"), ("left", "0.5"), ("currency", "RUB")];
    let Limit::DailySpend { max, left, currency } = limit(&spent) else { panic!() };
    assert_eq!(
        (max.to_string(), left.to_string(), currency),
        ("500".into(), "0.5".into(), "RUB".into())
    );
    assert_eq!(limit(&spent[..2]), Limit::Other("daily_spend".to_owned()));
    assert_eq!(limit(&[("limit", "a newer one")]), Limit::Other("a newer one".to_owned()));
}

#[test]
fn what_is_malformed_or_unknown_is_no_refusal() {
    for bad in ["", "much", "NaN", "1e400", "99999999999999999999999999999999"] {
        let said = [("required", "1"), ("available", bad), ("missing", "1"), ("currency", "RUB")];
        assert_eq!(refusal("INSUFFICIENT_FUNDS", &said), None, "{bad}");
        assert_eq!(refusal("PRICE_CHANGED", &[("price", bad), ("currency", "RUB")]), None, "{bad}");
    }
    for reason in ["", "insufficient_funds", "A_NEWER_ONE", "UNSPECIFIED", "INTERNAL", "OVERLOADED"]
    {
        assert_eq!(refusal(reason, &[]), None, "{reason}");
    }
    assert_eq!(CallError::from(Status::internal("oops")).refusal(), None);
}

#[test]
fn every_reason_is_a_refusal_or_passes() {
    let said = [
        ("required", "2"),
        ("available", "1"),
        ("missing", "1"),
        ("price", "1"),
        ("currency", "RUB"),
        ("payment_id", "p"),
        ("limit", "user_rate"),
    ];
    let passing = [
        ErrorReason::Unspecified,
        ErrorReason::Overloaded,
        ErrorReason::StoreUnavailable,
        ErrorReason::OutcomeUnknown,
        ErrorReason::ProviderUnavailable,
        ErrorReason::Internal,
    ];
    for reason in (0..).map_while(|number| ErrorReason::try_from(number).ok()) {
        let name = reason.as_str_name().trim_start_matches("ERROR_REASON_");
        assert_eq!(refusal(name, &said).is_none(), passing.contains(&reason), "{name}");
    }
}
