//! Whatever is changed in payments, events and promotions behind the service's back, `verify` names it.

use billing_svc::ledger::*;
use billing_svc::verify::{self, Invariant};

use crate::books::*;
use crate::harness::Database;
use crate::topups::*;
use crate::verify::{Tampering, every_one_is_named};

on_both!(every_kind_of_tampering_is_named, what_came_in_and_went_back_is_told_by_provider);

/// The payer's payment `a` was given back in part, `wrong` waits for a person, `unpaid` was never paid. The debtor has
/// spent what a dispute then took. The guest was invited by the host, and has topped up.
async fn write_history(books: &Books) {
    let (payer, debtor) = (user("payer"), user("debtor"));
    let a = books.pay_in(&payer, "a", 100).await;
    books.about_payment(pay_back(&a, "back", 30)).await;
    let wrong = books.new_payment(&payer, "wrong", 50).await;
    let Command::ObservePayment(mut report) = paid(&wrong, "w", vec![]) else { unreachable!() };
    report.report.received = rubles(49);
    books.about_payment(Command::ObservePayment(report)).await;
    books.new_payment(&payer, "unpaid", 50).await;

    let lost = books.pay_in(&debtor, "lost", 10).await;
    books.charge(&debtor, "spent").await;
    let dispute = Command::RecordDispute {
        user_id: debtor.clone(),
        payment_id: lost.payment_id,
        refund_id: RefundId(uuid::Uuid::now_v7()),
        outcome: DisputeOutcome::Opened,
        amount: None,
        by: by("dispute"),
    };
    books.about_payment(dispute).await;
    assert_eq!(books.view(&debtor).await.standing, Standing::InDebt);

    books.ask(new_code("SPRING", 5)).await.unwrap().unwrap();
    books.ask(redeem(&payer, "SPRING")).await.unwrap().unwrap();
    let (host, guest) = (user("host"), user("guest"));
    books.ask(make_code(&host, "aaaaaaaaaa")).await.unwrap().unwrap();
    let accept = Command::AcceptReferral { user_id: guest.clone(), inviter: host };
    books.ask(accept).await.unwrap().unwrap();
    books.pay_in(&guest, "guest", 10).await;
    books.store.give_out_events().await.unwrap();
}

const TAMPERING: &[Tampering] = &[
    (
        "UPDATE payments SET credited = credited + 1 WHERE request_id = 'a'",
        "UPDATE payments SET credited = credited - 1 WHERE request_id = 'a'",
        Invariant::I8,
        "payments payer",
    ),
    (
        "UPDATE payments SET state = 'CREDITED' WHERE request_id = 'a'",
        "UPDATE payments SET state = 'REFUNDED' WHERE request_id = 'a'",
        Invariant::I8,
        "payments payer",
    ),
    (
        "UPDATE payments SET state = 'CANCELED', parked = NULL WHERE request_id = 'wrong'",
        "UPDATE payments SET state = 'PAID', parked = 'AMOUNT_MISMATCH' WHERE request_id = 'wrong'",
        Invariant::I8,
        "payments payer",
    ),
    (
        "UPDATE payments SET provider = 'sandbox' WHERE request_id = 'a'",
        "UPDATE payments SET provider = 'yookassa' WHERE request_id = 'a'",
        Invariant::I8,
        "topups:sandbox",
    ),
    (
        "UPDATE payments SET user_id = 'host' WHERE request_id = 'a'",
        "UPDATE payments SET user_id = 'payer' WHERE request_id = 'a'",
        Invariant::I8,
        "payments payer",
    ),
    (
        "UPDATE payments SET provider_payment_id = 'a' WHERE request_id = 'wrong'",
        "UPDATE payments SET provider_payment_id = 'w' WHERE request_id = 'wrong'",
        Invariant::I8,
        "payments that yookassa calls a",
    ),
    (
        "UPDATE payment_refunds SET state = 'REVERSED', settle_time = 1, next_try = NULL WHERE user_id = 'payer'",
        "UPDATE payment_refunds SET state = 'PENDING', settle_time = NULL WHERE user_id = 'payer'",
        Invariant::I8,
        "payments payer",
    ),
    (
        "UPDATE payment_refunds SET amount = amount - 1 WHERE user_id = 'payer'",
        "UPDATE payment_refunds SET amount = amount + 1 WHERE user_id = 'payer'",
        Invariant::I8,
        "topups:yookassa",
    ),
    (
        "UPDATE payment_refunds SET payment_id = refund_id WHERE user_id = 'payer'",
        "UPDATE payment_refunds SET payment_id = (SELECT payment_id FROM payments WHERE request_id = 'a')
            WHERE user_id = 'payer'",
        Invariant::I8,
        "payment_refunds payer",
    ),
    (
        "INSERT INTO entries SELECT user_id, sequence + 1000, from_account, to_account, unit, amount, operation_id,
            request_id, create_time, balance_after, payment_id FROM entries
            WHERE from_account = 'topups:yookassa' AND user_id = 'payer'",
        "DELETE FROM entries WHERE sequence > 1000",
        Invariant::I8,
        "payments payer",
    ),
    (
        "UPDATE entries SET payment_id = NULL WHERE from_account = 'topups:yookassa' AND user_id = 'payer'",
        "UPDATE entries SET payment_id = (SELECT payment_id FROM payments WHERE request_id = 'a')
            WHERE from_account = 'topups:yookassa' AND user_id = 'payer'",
        Invariant::I8,
        "entries payer 2",
    ),
    (
        "UPDATE entries SET from_account = 'adjustments' WHERE from_account = 'topups:yookassa' AND user_id = 'payer'",
        "UPDATE entries SET from_account = 'topups:yookassa' WHERE from_account = 'adjustments' AND user_id = 'payer'",
        Invariant::I8,
        "entries payer 2",
    ),
    (
        "UPDATE payments SET request_id = 'a' WHERE request_id = 'unpaid'",
        "UPDATE payments SET request_id = 'unpaid' WHERE state = 'CREATED'",
        Invariant::I6,
        "payments with request_id a",
    ),
    (
        "UPDATE users SET standing = 'IN_DEBT' WHERE user_id = 'payer'",
        "UPDATE users SET standing = 'GOOD' WHERE user_id = 'payer'",
        Invariant::I2,
        "users payer",
    ),
    (
        "UPDATE users SET topups = topups + 1 WHERE user_id = 'payer'",
        "UPDATE users SET topups = topups - 1 WHERE user_id = 'payer'",
        Invariant::I7,
        "users payer",
    ),
    (
        "UPDATE users SET last_event = last_event - 1 WHERE user_id = 'payer'",
        "UPDATE users SET last_event = last_event + 1 WHERE user_id = 'payer'",
        Invariant::I7,
        "users payer",
    ),
    (
        "UPDATE events SET sequence = 500 WHERE user_id = 'payer' AND sequence = 2",
        "UPDATE events SET sequence = 2 WHERE user_id = 'payer' AND sequence = 500",
        Invariant::I7,
        "events payer",
    ),
    (
        "UPDATE events SET position = position + 1000 WHERE user_id = 'payer' AND sequence = 1",
        "UPDATE events SET position = position - 1000 WHERE user_id = 'payer' AND sequence = 1",
        Invariant::I7,
        "events payer 2",
    ),
    (
        "UPDATE event_position SET position = position - 1",
        "UPDATE event_position SET position = position + 1",
        Invariant::I7,
        "event_position",
    ),
    (
        "UPDATE events SET kind = 'NOTHING' WHERE user_id = 'payer' AND sequence = 1",
        "UPDATE events SET kind = 'PAYMENT_CHANGED' WHERE user_id = 'payer' AND sequence = 1",
        Invariant::Readable,
        "events payer 1",
    ),
    (
        "UPDATE payments SET provider = 'nobody' WHERE request_id = 'unpaid'",
        "UPDATE payments SET provider = 'yookassa' WHERE request_id = 'unpaid'",
        Invariant::Readable,
        "payments",
    ),
    (
        "UPDATE promo_codes SET redemptions = 0",
        "UPDATE promo_codes SET redemptions = 1",
        Invariant::Promotions,
        "promo_codes SPRING",
    ),
    (
        "UPDATE promo_codes SET code = 'OTHER'",
        "UPDATE promo_codes SET code = 'SPRING'",
        Invariant::Promotions,
        "promo_codes SPRING",
    ),
    (
        "UPDATE promo_redemptions SET grant_id = (SELECT payment_id FROM payments WHERE request_id = 'a')",
        "UPDATE promo_redemptions SET grant_id =
            (SELECT grant_id FROM grants WHERE kind = 'PROMO' AND user_id = 'payer')",
        Invariant::Promotions,
        "promo_redemptions payer SPRING",
    ),
    (
        "UPDATE referrals SET state = 'ACCEPTED'",
        "UPDATE referrals SET state = 'EARNED'",
        Invariant::Promotions,
        "referrals guest",
    ),
    (
        "UPDATE referrals SET inviter = 'nobody'",
        "UPDATE referrals SET inviter = 'host'",
        Invariant::Promotions,
        "referrals guest",
    ),
    (
        "UPDATE referral_codes SET code = 'A'",
        "UPDATE referral_codes SET code = 'aaaaaaaaaa'",
        Invariant::Readable,
        "referral_codes host",
    ),
];

async fn every_kind_of_tampering_is_named(database: Database) {
    let books = Books::open(&database).await;
    write_history(&books).await;
    let unprotect = ["DROP INDEX payments_provider_payment_id", "DROP INDEX payments_request_id"];
    every_one_is_named(&books, &unprotect, TAMPERING).await;
    books.prove().await;
}

async fn what_came_in_and_went_back_is_told_by_provider(database: Database) {
    let books = Books::open(&database).await;
    write_history(&books).await;
    let report = verify::run(&books.database.connection).await.unwrap().to_string();
    for line in [
        "payments 5",
        "payment_refunds 2",
        "credited yookassa 120000000 micros",
        "taken_back yookassa 40000000 micros",
        "sum topups:yookassa -80000000 micros",
        "clean",
    ] {
        assert!(report.lines().any(|said| said == line), "{line}: {report}");
    }
    books.prove().await;
}
