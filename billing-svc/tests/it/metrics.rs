//! What an operator's Prometheus reads, from the program itself: its numbers are nobody else's.

use proto::billing::v1::*;

use crate::bank::{Bank, payment_request};
use crate::harness::Database;
use crate::program::Program;
use crate::service::{charge_request, promo, refund_request, rub, sql};

on_both!(
    operations_are_counted_when_they_are_committed_and_once,
    money_that_comes_in_is_counted_once,
    what_is_open_is_counted_by_its_age,
    an_audit_tells_of_an_imbalance,
    one_instance_audits_at_a_time,
);

const USER: &str = "tg:1";

async fn operations_are_counted_when_they_are_committed_and_once(database: Database) {
    let program = Program::start(&database, &["--free-operations", "1"]).await;
    let client = &program.client;
    assert_eq!(program.value(r#"billing_refunds_total{reason="JOB_FAILED"}"#).await, Some(0.0));

    let free = client.charge("free", USER, "generate").await;
    client.complete(&free).await;
    client.top_up(USER, 20).await;
    client.grant(promo("promo", USER, 4)).await;
    let paid = client.charge("paid", USER, "generate").await;
    client.complete(&paid).await;
    let failed = client.charge("failed", USER, "edit").await;
    client.refund(&failed).await;
    let poor = ChargeRequest { quantity: 9, ..charge_request("poor", USER, "merge") };
    assert!(client.billing().charge(poor.clone()).await.is_err());
    let back = RefundRequest { amount: Some(rub(2)), ..refund_request(&paid) };
    client.billing().refund(back.clone()).await.unwrap();
    // All of it once more, as callers do who did not hear the answers.
    client.charge("free", USER, "generate").await;
    client.complete(&free).await;
    client.charge("paid", USER, "generate").await;
    client.charge("failed", USER, "edit").await;
    client.refund(&failed).await;
    assert!(client.billing().charge(poor).await.is_err());
    client.billing().refund(back).await.unwrap();

    for (series, expected) in [
        (r#"billing_charges_total{kind="generate"}"#, 2.0),
        (r#"billing_charges_total{kind="edit"}"#, 1.0),
        (r#"billing_declines_total{reason="INSUFFICIENT_FUNDS"}"#, 1.0),
        (r#"billing_declines_total{reason="PRICE_CHANGED"}"#, 0.0),
        (r#"billing_refunds_total{reason="JOB_FAILED"}"#, 2.0),
        (r#"billing_free_operations_used_total"#, 1.0),
        (r#"billing_revenue_micros_total{kind="generate",funding="promotional"}"#, 4e6),
        (r#"billing_revenue_micros_total{kind="generate",funding="balance"}"#, 6e6),
        // What was taken last comes back first.
        (r#"billing_revenue_returned_micros_total{kind="generate",funding="balance"}"#, 2e6),
        (r#"billing_topups_micros_total{provider="sandbox"}"#, 0.0),
        (r#"kopilka_build_info{version="0.1.0"}"#, 1.0),
    ] {
        assert_eq!(program.value(series).await, Some(expected), "{series}");
    }
    assert_eq!(program.values(r#"billing_charges_total{kind="merge"}"#).await, []);
    let charge = r#"grpc_requests_total{rpc="billing.v1.BillingService/Charge",code="#;
    let refused = format!(r#"{charge}"FailedPrecondition",reason="INSUFFICIENT_FUNDS"}}"#);
    assert_eq!(program.value(&refused).await, Some(2.0), "calls are counted as calls");
    for bound in [
        r#"billing_batch_commands_bucket{le="256"}"#,
        // The alert on slow charges looks at this very bound.
        r#"grpc_request_seconds_bucket{rpc="billing.v1.BillingService/Charge",le="0.25"}"#,
    ] {
        assert!(program.value(bound).await.is_some(), "{bound}");
    }
    program.stop().await;
}

async fn money_that_comes_in_is_counted_once(database: Database) {
    let bank = Bank::open().await;
    let program = Program::start(&database, &["--sandbox-bank-url", &bank.url]).await;
    let mut payments = program.client.payments();
    let made = payments.create_payment(payment_request("1", USER, 100)).await.unwrap();
    let made = made.into_inner().payment.unwrap();
    program.until(r#"billing_payments_open{state="pending",age="10m"}"#, 1.0).await;
    bank.pay(&made);
    for _ in 0..2 {
        let paid = program.client.refreshed(&made).await;
        assert_eq!(paid.state(), PaymentState::Credited);
    }
    let back = RefundPaymentRequest {
        request_id: "back".to_owned(),
        payment_id: made.payment_id.clone(),
        amount: Some(rub(30)),
        reason: "test".to_owned(),
    };
    for _ in 0..2 {
        program.client.admin().refund_payment(back.clone()).await.unwrap();
    }
    program.until(r#"billing_topups_micros_total{provider="sandbox"}"#, 100e6).await;
    program.until(r#"billing_topups_returned_micros_total{provider="sandbox"}"#, 30e6).await;
    let credited = r#"billing_payments_total{provider="sandbox",state="credited"}"#;
    assert_eq!(program.value(credited).await, Some(1.0));
    program.until(r#"billing_payments_open{state="pending",age="10m"}"#, 0.0).await;
    program.stop().await;
}

async fn what_is_open_is_counted_by_its_age(database: Database) {
    let program = Program::start(&database, &[]).await;
    for request_id in ["1", "2", "3"] {
        program.client.charge(request_id, USER, "generate").await;
    }
    program.until(r#"billing_holds{age="10m"}"#, 3.0).await;
    let hour =
        "UPDATE operations SET create_time = create_time - 3600000000 WHERE request_id = '1'";
    let days =
        "UPDATE operations SET create_time = create_time - 180000000000 WHERE request_id = '2'";
    sql(database.url(), hour).await;
    sql(database.url(), days).await;
    program.until(r#"billing_holds{age="1d"}"#, 1.0).await;
    program.until(r#"billing_holds{age="more"}"#, 1.0).await;
    program.until(r#"billing_holds{age="10m"}"#, 1.0).await;
    assert_eq!(program.value(r#"billing_holds{age="1h"}"#).await, Some(0.0));
    assert_eq!(program.value("billing_holds_overdue").await, Some(0.0));
    assert_eq!(program.value("billing_queue_depth").await, Some(0.0));
    assert_eq!(program.value("billing_queue_capacity").await, Some(2048.0));
    program.stop().await;
}

async fn an_audit_tells_of_an_imbalance(database: Database) {
    let mut program = Program::start(&database, &["--audit-interval", "1s"]).await;
    program.client.charge("1", USER, "generate").await;
    program.until(r#"billing_imbalance{invariant="I7"}"#, 0.0).await;
    assert_eq!(program.value("billing_audit_interval_seconds").await, Some(1.0));
    assert!(program.value("billing_audit_timestamp_seconds").await.unwrap() > 1.7e9);

    sql(database.url(), "UPDATE users SET available = available + 5").await;
    program.until(r#"billing_imbalance{invariant="I7"}"#, 1.0).await;
    assert_eq!(program.value(r#"billing_imbalance{invariant="I3"}"#).await, Some(0.0));
    assert!(program.says("the books are wrong").await.contains("ERROR"));
    assert!(program.says("broken").await.contains(USER), "the row at fault is named");

    sql(database.url(), "UPDATE users SET available = available - 5").await;
    program.until(r#"billing_imbalance{invariant="I7"}"#, 0.0).await;
    program.stop().await;
}

async fn one_instance_audits_at_a_time(database: Database) {
    let opened = database.open().await;
    let store = billing_svc::store::Store::new(opened.connection.clone());
    let first = store.audit_snapshot().await.unwrap().expect("nobody else audits");
    // A SQLite file has one process, whose auditor does one audit after the other.
    let alone = database.url().starts_with("sqlite");
    let second = store.audit_snapshot().await.unwrap();
    assert_eq!(second.is_some(), alone);
    drop(second);
    first.end().await.unwrap();
    assert!(store.audit_snapshot().await.unwrap().is_some(), "it is let go with the snapshot");
}
