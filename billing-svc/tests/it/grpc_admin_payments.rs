//! What administrators do with payments: give money back, credit what is parked, note a chargeback.

use proto::billing::v1::event::Body;
use proto::billing::v1::*;
use tonic::Code;

use crate::bank::Bank;
use crate::grpc_events::{next, watch};
use crate::harness::Database;
use crate::refusals::{Why, bad, because, why};
use crate::service::{charge_request, rub};

on_both!(
    money_goes_back_once_for_each_request,
    a_refund_that_the_provider_refuses_comes_back,
    a_refund_may_leave_a_debt_which_the_next_top_up_repays,
    a_parked_payment_waits_for_its_administrator,
    a_dispute_is_opened_and_ends,
    administrators_mistakes_about_payments_are_named,
);

const USER: &str = "tg:1";

fn refund(request_id: &str, payment: &Payment, units: Option<i64>) -> RefundPaymentRequest {
    RefundPaymentRequest {
        request_id: request_id.to_owned(),
        payment_id: payment.payment_id.clone(),
        amount: units.map(rub),
        reason: "they asked".to_owned(),
    }
}

fn credit(request_id: &str, payment: &Payment, units: Option<i64>) -> CreditPaymentRequest {
    CreditPaymentRequest {
        request_id: request_id.to_owned(),
        payment_id: payment.payment_id.clone(),
        amount: units.map(rub),
        reason: "looked into it".to_owned(),
    }
}

fn dispute(request_id: &str, payment: &Payment, outcome: DisputeOutcome) -> RecordDisputeRequest {
    RecordDisputeRequest {
        request_id: request_id.to_owned(),
        payment_id: payment.payment_id.clone(),
        outcome: outcome.into(),
        amount: None,
        reason: "a letter came".to_owned(),
    }
}

fn wrong_state(payment: &Payment, state: &str) -> Why {
    let metadata = [("payment_id", payment.payment_id.as_str()), ("state", state)];
    because(Code::FailedPrecondition, "PAYMENT_STATE", &metadata)
}

async fn money_goes_back_once_for_each_request(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let mut admin = service.admin();
    let payment = service.paid(&bank, "p", USER, 100).await;
    let first = admin.refund_payment(refund("1", &payment, Some(30))).await.unwrap().into_inner();
    let back = first.refund.clone().unwrap();
    assert_eq!((back.origin(), back.state()), (RefundOrigin::Admin, RefundState::Succeeded));
    assert_eq!((back.amount.clone(), back.price.clone()), (Some(rub(30)), Some(rub(30))));
    assert_eq!(
        (back.reason.as_str(), back.payment_id.as_str()),
        ("they asked", &*payment.payment_id)
    );
    let now = first.payment.clone().unwrap();
    assert_eq!((now.state(), now.refunded.clone()), (PaymentState::Refunded, Some(rub(30))));
    assert_eq!((now.refunds.as_slice(), first.replayed), (&[back][..], false));
    assert_eq!(service.user(USER).await.paid_balance, Some(rub(70)));

    let again = admin.refund_payment(refund("1", &payment, Some(30))).await.unwrap().into_inner();
    assert_eq!(again, RefundPaymentResponse { replayed: true, ..first });
    let mut later = refund("1", &payment, Some(30));
    later.reason = "another".to_owned();
    for (field, request) in [("amount", refund("1", &payment, None)), ("reason", later)] {
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", field)]);
        assert_eq!(why(admin.refund_payment(request).await), reused);
    }
    // More than is left is too much; without an amount it is all that is left.
    assert_eq!(why(admin.refund_payment(refund("2", &payment, Some(71))).await), bad("amount"));
    let rest = admin.refund_payment(refund("2", &payment, None)).await.unwrap().into_inner();
    assert_eq!(rest.refund.unwrap().amount, Some(rub(70)));
    let now = rest.payment.unwrap();
    assert_eq!((now.refunded, now.refunds.len()), (Some(rub(100)), 2));
    assert_eq!(service.user(USER).await.paid_balance, Some(rub(0)));
    let pending = service.invoice("q", USER, 100).await;
    let answer = admin.refund_payment(refund("3", &pending, None)).await;
    assert_eq!(why(answer), wrong_state(&pending, "PENDING"));
    service.finish().await;
}

async fn a_refund_that_the_provider_refuses_comes_back(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let payment = service.paid(&bank, "p", USER, 100).await;
    bank.set_refuses_refunds(true);
    let answer = service.admin().refund_payment(refund("1", &payment, None)).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(answer.refund.unwrap().state(), RefundState::Reversed);
    let now = answer.payment.unwrap();
    assert_eq!((now.state(), now.refunded), (PaymentState::Credited, Some(rub(0))));
    assert_eq!(service.user(USER).await.paid_balance, Some(rub(100)));
    service.finish().await;
}

async fn a_refund_may_leave_a_debt_which_the_next_top_up_repays(database: Database) {
    let bank = Bank::open().await;
    let flags = ["--free-operations", "0"];
    let service = bank.service_with(database.url(), &flags).await;
    let payment = service.paid(&bank, "p", USER, 100).await;
    let operation = service.charge("spent", USER, "generate").await;
    service.complete(&operation).await;
    service.admin().refund_payment(refund("1", &payment, None)).await.unwrap();
    let user = service.user(USER).await;
    assert_eq!((user.paid_balance.clone(), user.standing()), (Some(rub(-10)), Standing::InDebt));
    let charge = charge_request("refused", USER, "generate");
    assert_eq!(why(service.billing().charge(charge).await).reason, "IN_DEBT");
    service.paid(&bank, "q", USER, 100).await;
    let user = service.user(USER).await;
    assert_eq!((user.paid_balance.clone(), user.standing()), (Some(rub(90)), Standing::Good));

    let mut stream = watch(&service, "test", None).await;
    let mut told = Vec::new();
    while told.len() < 2 {
        if let Some(Body::StandingChanged(changed)) = next(&mut stream).await.body {
            told.push((changed.from(), changed.to(), changed.paid_balance.unwrap()));
        }
    }
    let (good, debt) = (Standing::Good, Standing::InDebt);
    assert_eq!(told, [(good, debt, rub(-10)), (debt, good, rub(90))]);
    drop(stream);
    service.finish().await;
}

async fn a_parked_payment_waits_for_its_administrator(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let mut admin = service.admin();
    let payment = service.invoice("p", USER, 100).await;
    bank.pay_other(&payment, "60.00");
    let parked = service.refreshed(&payment).await;
    assert_eq!(
        (parked.state(), parked.park_reason()),
        (PaymentState::Paid, ParkReason::AmountMismatch)
    );
    assert_eq!((parked.received, parked.credited), (Some(rub(60)), Some(rub(0))));
    assert_eq!(service.user(USER).await.paid_balance, Some(rub(0)));

    let first = admin.credit_payment(credit("1", &payment, Some(60))).await.unwrap().into_inner();
    let now = first.payment.clone().unwrap();
    assert_eq!((now.state(), now.park_reason()), (PaymentState::Credited, ParkReason::Unspecified));
    assert_eq!((now.credited, first.replayed), (Some(rub(60)), false));
    assert_eq!(first.user.clone().unwrap().paid_balance, Some(rub(60)));
    let again = admin.credit_payment(credit("1", &payment, Some(60))).await.unwrap().into_inner();
    assert_eq!(again, CreditPaymentResponse { replayed: true, ..first });
    let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", "amount")]);
    assert_eq!(why(admin.credit_payment(credit("1", &payment, None)).await), reused);
    let twice = admin.credit_payment(credit("2", &payment, None)).await;
    assert_eq!(why(twice), wrong_state(&payment, "CREDITED"));
    assert_eq!(service.user(USER).await.paid_balance, Some(rub(60)));
    service.finish().await;
}

async fn a_dispute_is_opened_and_ends(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let mut admin = service.admin();
    let payment = service.paid(&bank, "p", USER, 100).await;
    let none = admin.record_dispute(dispute("0", &payment, DisputeOutcome::Won)).await;
    assert_eq!(why(none), wrong_state(&payment, "CREDITED"));

    let open = dispute("1", &payment, DisputeOutcome::Opened);
    let first = admin.record_dispute(open.clone()).await.unwrap().into_inner();
    assert_eq!(first.payment.clone().unwrap().state(), PaymentState::Disputed);
    assert_eq!(first.user.clone().unwrap().paid_balance, Some(rub(0)));
    let again = admin.record_dispute(open.clone()).await.unwrap().into_inner();
    assert_eq!(again, RecordDisputeResponse { replayed: true, ..first });
    let other = RecordDisputeRequest { outcome: DisputeOutcome::Lost.into(), ..open };
    let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", "outcome")]);
    assert_eq!(why(admin.record_dispute(other).await), reused);
    // While it is open, nothing else goes back.
    let answer = admin.refund_payment(refund("2", &payment, None)).await;
    assert_eq!(why(answer), wrong_state(&payment, "DISPUTED"));

    let won = admin.record_dispute(dispute("3", &payment, DisputeOutcome::Won)).await.unwrap();
    let won = won.into_inner();
    assert_eq!(won.payment.unwrap().state(), PaymentState::Credited);
    assert_eq!(won.user.unwrap().paid_balance, Some(rub(100)));

    let part = RecordDisputeRequest {
        amount: Some(rub(40)),
        ..dispute("4", &payment, DisputeOutcome::Opened)
    };
    admin.record_dispute(part).await.unwrap();
    let lost = admin.record_dispute(dispute("5", &payment, DisputeOutcome::Lost)).await.unwrap();
    let lost = lost.into_inner().payment.unwrap();
    assert_eq!((lost.state(), lost.refunded), (PaymentState::Refunded, Some(rub(40))));
    let states: Vec<_> = lost.refunds.iter().map(PaymentRefund::state).collect();
    assert_eq!(states, [RefundState::Reversed, RefundState::Succeeded]);
    assert!(lost.refunds.iter().all(|one| one.origin() == RefundOrigin::Dispute));
    assert_eq!(service.user(USER).await.paid_balance, Some(rub(60)));
    service.finish().await;
}

async fn administrators_mistakes_about_payments_are_named(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let payment = service.paid(&bank, "p", USER, 100).await;
    let before = service.all_of(USER).await;
    let mut admin = service.admin();
    for (field, request) in [
        ("request_id", refund("", &payment, None)),
        ("amount", refund("bad", &payment, Some(0))),
        ("amount", refund("bad", &payment, Some(-1))),
        ("reason", RefundPaymentRequest { reason: String::new(), ..refund("bad", &payment, None) }),
        // The provider is told, and takes no more.
        (
            "reason",
            RefundPaymentRequest { reason: "р".repeat(251), ..refund("bad", &payment, None) },
        ),
    ] {
        assert_eq!(why(admin.refund_payment(request).await), bad(field));
    }
    for (field, request) in [
        ("request_id", credit("", &payment, None)),
        ("amount", credit("bad", &payment, Some(0))),
        (
            "reason",
            CreditPaymentRequest { reason: "р".repeat(501), ..credit("bad", &payment, None) },
        ),
    ] {
        assert_eq!(why(admin.credit_payment(request).await), bad(field));
    }
    let open = dispute("bad", &payment, DisputeOutcome::Opened);
    for (field, request) in [
        ("request_id", RecordDisputeRequest { request_id: String::new(), ..open.clone() }),
        ("outcome", RecordDisputeRequest { outcome: 0, ..open.clone() }),
        ("outcome", RecordDisputeRequest { outcome: 4, ..open.clone() }),
        ("amount", RecordDisputeRequest { amount: Some(rub(-1)), ..open.clone() }),
        ("amount", RecordDisputeRequest { amount: Some(rub(101)), ..open.clone() }),
        ("reason", RecordDisputeRequest { reason: " ".to_owned(), ..open }),
    ] {
        assert_eq!(why(admin.record_dispute(request).await), bad(field));
    }
    assert_eq!(service.all_of(USER).await, before);
    service.finish().await;
}
