use proto::money::from_micros;

use super::*;

fn rub(rubles: i64) -> Amount {
    Amount { micros: rubles * 1_000_000, currency: "RUB".to_owned() }
}

fn event(body: Body) -> Event {
    Event {
        position: 7,
        user_id: "tg:1".to_owned(),
        sequence: 1,
        create_time: Some(Timestamp { seconds: 1_700_000_000, nanos: 5 }),
        body: Some(body),
    }
}

fn news(body: Body) -> Option<News> {
    News::of_event(&event(body)).unwrap()
}

fn payment(state: PaymentState) -> PaymentChanged {
    let mut changed = PaymentChanged {
        payment_id: "p".to_owned(),
        amount: Some(rub(300).to_money()),
        ..PaymentChanged::default()
    };
    changed.set_state(state);
    changed
}

fn refund(origin: RefundOrigin, state: RefundState) -> Option<News> {
    let mut changed = RefundChanged {
        payment_id: "p".to_owned(),
        refund_id: "r".to_owned(),
        amount: Some(rub(300).to_money()),
        ..RefundChanged::default()
    };
    changed.set_origin(origin);
    changed.set_state(state);
    news(Body::RefundChanged(changed))
}

#[test]
fn a_payment_is_news_when_its_user_has_to_know() {
    let of = |state| news(Body::PaymentChanged(payment(state)));
    for quiet in [PaymentState::Created, PaymentState::Pending, PaymentState::Paid] {
        assert_eq!(of(quiet), None, "{quiet:?}");
    }
    let time = 1_700_000_000;
    let credited = News::Credited { payment_id: "p".to_owned(), amount: rub(300), time };
    assert_eq!(of(PaymentState::Credited), Some(credited));
    for shown in [
        PaymentState::Canceled,
        PaymentState::Expired,
        PaymentState::Refunded,
        PaymentState::Disputed,
    ] {
        assert_eq!(of(shown), Some(News::Payment { payment_id: "p".to_owned() }), "{shown:?}");
    }
    let parked = PaymentChanged { park_reason: 1, ..payment(PaymentState::Paid) };
    let parked = news(Body::PaymentChanged(parked));
    assert_eq!(parked, Some(News::Parked { payment_id: "p".to_owned() }));
}

#[test]
fn a_payment_arrives_once_and_all_else_is_known_by_its_event() {
    let mut first = event(Body::PaymentChanged(payment(PaymentState::Credited)));
    let arrived = News::of_event(&first).unwrap().unwrap();
    let id = arrived.row_id(&first);
    first.position = 9;
    assert_eq!(arrived.row_id(&first), id, "credited again when a refund failed");

    let canceled = event(Body::PaymentChanged(payment(PaymentState::Canceled)));
    let shown = News::of_event(&canceled).unwrap().unwrap();
    assert_eq!(shown.row_id(&canceled), shown.row_id(&canceled));
    let restored =
        Event { create_time: Some(Timestamp { seconds: 5, nanos: 0 }), ..canceled.clone() };
    assert_ne!(shown.row_id(&canceled), shown.row_id(&restored));
}

#[test]
fn a_refund_is_told_when_it_is_over_and_a_dispute_from_its_beginning() {
    let shown = Some(News::Payment { payment_id: "p".to_owned() });
    for origin in [RefundOrigin::Admin, RefundOrigin::Provider, RefundOrigin::Rule] {
        assert_eq!(refund(origin, RefundState::Pending), shown, "{origin:?}");
        let Some(News::Refunded { is_repeat, amount, .. }) = refund(origin, RefundState::Succeeded)
        else {
            panic!("{origin:?}");
        };
        assert_eq!((is_repeat, amount), (origin == RefundOrigin::Rule, rub(300)));
        let reversed = refund(origin, RefundState::Reversed);
        assert!(matches!(reversed, Some(News::RefundReversed { .. })), "{origin:?}");
    }
    for (state, expected) in [
        (RefundState::Pending, DisputeStep::Opened),
        (RefundState::Succeeded, DisputeStep::Lost),
        (RefundState::Reversed, DisputeStep::Won),
    ] {
        let Some(News::Dispute { step, .. }) = refund(RefundOrigin::Dispute, state) else {
            panic!("{state:?}");
        };
        assert_eq!(step, expected);
    }
}

#[test]
fn an_operation_that_failed_is_told_by_the_worker() {
    let of = |reason| {
        let mut settled = OperationSettled { free_operations: 1, ..OperationSettled::default() };
        settled.set_reason(reason);
        news(Body::OperationRefunded(settled))
    };
    for reason in
        [RefundReason::JobFailed, RefundReason::ContentRejected, RefundReason::Undeliverable]
    {
        assert_eq!(of(reason), None);
    }
    assert!(of(RefundReason::Other).is_some());
    assert_eq!(news(Body::OperationExpired(OperationSettled::default())), None);
}

#[test]
fn a_gift_is_told_unless_its_user_asked_for_it() {
    let given = |unit, cause| {
        let mut grant = Grant {
            operations_given: 3,
            amount_given: Some(rub(50).to_money()),
            ..Grant::default()
        };
        grant.set_unit(unit);
        let mut given = GrantGiven { grant: Some(grant), ..GrantGiven::default() };
        given.set_cause(cause);
        news(Body::GrantGiven(given))
    };
    assert_eq!(given(Unit::Operation, GiftCause::PromoCode), None);
    for (cause, from) in [
        (GiftCause::Admin, GiftFrom::Administrator),
        (GiftCause::Invited, GiftFrom::Invitation),
        (GiftCause::Inviter, GiftFrom::Invited),
    ] {
        let gift = Gift::Operations(3);
        assert_eq!(given(Unit::Operation, cause), Some(News::Given { gift, from }));
        let gift = Gift::Money(rub(50));
        assert_eq!(given(Unit::Money, cause), Some(News::Given { gift, from }));
    }
}

#[test]
fn what_expires_is_told_while_something_is_left() {
    let expiring = |left| {
        let mut grant = Grant {
            operations_remaining: left,
            expire_time: Some(Timestamp { seconds: 99, nanos: 0 }),
            ..Grant::default()
        };
        grant.set_unit(Unit::Operation);
        news(Body::GrantExpiring(proto::billing::v1::GrantExpiring { grant: Some(grant) }))
    };
    assert_eq!(expiring(2), Some(News::Expiring { gift: Gift::Operations(2), time: 99 }));
    assert_eq!(expiring(0), None);
}

#[test]
fn each_change_of_standing_is_told_as_what_it_means() {
    let changed = |from, to, micros| {
        let mut changed = StandingChanged {
            paid_balance: Some(from_micros(micros, "RUB")),
            ..StandingChanged::default()
        };
        changed.set_from(from);
        changed.set_to(to);
        news(Body::StandingChanged(changed))
    };
    use Standing::{Blocked, Good, InDebt};
    for (from, to, step) in [
        (Good, InDebt, StandingStep::IntoDebt),
        (InDebt, Good, StandingStep::OutOfDebt),
        (Good, Blocked, StandingStep::Blocked),
        (InDebt, Blocked, StandingStep::Blocked),
        (Blocked, Good, StandingStep::Unblocked),
        (Blocked, InDebt, StandingStep::Unblocked),
    ] {
        let told = changed(from, to, -5_000_000);
        assert_eq!(told, Some(News::Standing { step, owed: rub(5) }), "{from:?} to {to:?}");
    }
    let told = changed(InDebt, Good, 5_000_000);
    assert_eq!(told, Some(News::Standing { step: StandingStep::OutOfDebt, owed: rub(0) }));
}

#[test]
fn news_come_out_of_the_queue_as_they_went_in() {
    let all = [
        News::Credited { payment_id: "p".to_owned(), amount: rub(1), time: 2 },
        News::Parked { payment_id: "p".to_owned() },
        News::Given { gift: Gift::Money(rub(1)), from: GiftFrom::Invited },
        News::Standing { step: StandingStep::IntoDebt, owed: rub(1) },
    ];
    for news in all {
        let stored = serde_json::to_value(&news).unwrap();
        assert_eq!(serde_json::from_value::<News>(stored).unwrap(), news);
    }
}
