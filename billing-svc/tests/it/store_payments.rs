//! What the store tells of payments.

use std::slice::from_ref;
use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::store::{Due, HistoryRow};
use uuid::Uuid;

use crate::books::*;
use crate::harness::Database;
use crate::topups::*;

on_both!(
    a_payment_is_found_by_every_name_it_has,
    payments_and_history_come_in_pages_of_their_owner,
    what_is_to_be_done_is_found_until_it_is_done,
    a_second_payment_that_a_rule_gives_back_is_not_credited,
    payments_of_a_provider_are_listed_for_its_reconciliation,
    a_cursor_is_what_was_set_last,
    notifications_wait_in_their_queue,
);

async fn a_payment_is_found_by_every_name_it_has(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    let made = books.pay_in(&payer, "first", 100).await;
    let back = books.about_payment(pay_back(&made, "back-1", 30)).await;
    books.about_payment(pay_back(&made, "back-2", 20)).await;
    assert_eq!(back.state, PaymentState::Refunded);

    let store = &books.store;
    let found = store.payment(made.payment_id).await.unwrap();
    assert_eq!(found.as_ref().unwrap().credited, Amount::units(100));
    assert_eq!(store.payment_by_request(&request("first")).await.unwrap(), found);
    let by_name = |provider| store.payment_by_provider_id(provider, "first");
    assert_eq!(by_name(Provider::Yookassa).await.unwrap(), found);
    assert_eq!(by_name(Provider::TelegramStars).await.unwrap(), None);
    assert_eq!(store.payment(PaymentId(Uuid::now_v7())).await.unwrap(), None);
    assert_eq!(store.payment_by_request(&request("second")).await.unwrap(), None);

    let refunds = store.refunds_of(&payer, made.payment_id).await.unwrap();
    let amounts: Vec<_> = refunds.iter().map(|refund| refund.amount).collect();
    assert_eq!(amounts, [Amount::units(30), Amount::units(20)], "oldest first");
    assert_eq!(store.refunds_of(&user("stranger"), made.payment_id).await.unwrap(), []);
    books.prove().await;
}

async fn payments_and_history_come_in_pages_of_their_owner(database: Database) {
    let books = Books::open(&database).await;
    let (payer, stranger) = (user("payer"), user("stranger"));
    let first = books.pay_in(&payer, "a", 100).await;
    let charged = books.charge(&payer, "b").await;
    let back = books.about_payment(pay_back(&first, "c", 10)).await;
    let second = books.new_payment(&payer, "d", 5).await;
    books.new_payment(&stranger, "e", 5).await;
    assert!(books.ask(charge(&stranger, "f")).await.unwrap().is_err(), "no money");

    let store = &books.store;
    let list = store.payments_of(&payer, &[], None, 10).await.unwrap();
    assert_eq!(list, [second.clone(), back.clone()], "newest first");
    let states = [PaymentState::Created, PaymentState::Canceled];
    assert_eq!(store.payments_of(&payer, &states, None, 10).await.unwrap(), from_ref(&second));
    let older = store.payments_of(&payer, &[], Some(second.payment_id), 10).await.unwrap();
    assert_eq!(older, from_ref(&back));

    let refund = store.refunds_of(&payer, first.payment_id).await.unwrap().remove(0);
    let whole = [
        HistoryRow::Payment(second),
        HistoryRow::Refund(refund),
        HistoryRow::Operation(charged),
        HistoryRow::Payment(back),
    ];
    assert_eq!(store.history_of(&payer, None, 10).await.unwrap(), whole);
    let mut paged = store.history_of(&payer, None, 3).await.unwrap();
    let last = paged.last().map(HistoryRow::id);
    paged.extend(store.history_of(&payer, last, 3).await.unwrap());
    assert_eq!(paged, whole);
    assert_eq!(store.history_of(&stranger, None, 10).await.unwrap().len(), 2, "declines too");
    books.prove().await;
}

async fn what_is_to_be_done_is_found_until_it_is_done(database: Database) {
    let books = Books::open(&database).await;
    let (payer, store) = (user("payer"), &books.store);
    let payment = books.new_payment(&payer, "a", 100).await;
    let later = now().plus(Duration::from_secs(301));
    assert_eq!(store.due_checks(now(), 10).await.unwrap(), []);
    let due = store.due_checks(later, 10).await.unwrap();
    assert_eq!(due, from_ref(&payment));

    books.about_payment(paid(&payment, "n", vec![])).await;
    assert_eq!(store.due_checks(later, 10).await.unwrap(), [], "it is paid");
    assert_eq!(store.paid_uncredited(10).await.unwrap().len(), 1);
    let credited = books.about_payment(credit(&payment)).await;
    assert_eq!(store.paid_uncredited(10).await.unwrap(), []);

    books.about_payment(pay_back(&credited, "back", 100)).await;
    let due = store.due_refunds(now(), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(store.due_refunds(Timestamp::from_micros(0), 10).await.unwrap(), []);
    let answer = RefundAnswer::Succeeded { provider_refund_id: "r".to_owned() };
    let (user_id, payment_id, refund_id) = (payer.clone(), payment.payment_id, due[0].refund_id);
    books.about_payment(Command::SettleRefund { user_id, payment_id, refund_id, answer }).await;
    assert_eq!(store.due_refunds(later, 10).await.unwrap(), []);

    let wrong = books.new_payment(&payer, "wrong", 50).await;
    let Command::ObservePayment(mut observation) = paid(&wrong, "w", vec![]) else {
        unreachable!()
    };
    observation.report.received = rubles(49);
    assert_eq!(store.parked_payments().await.unwrap(), 0);
    books.about_payment(Command::ObservePayment(observation)).await;
    assert_eq!(store.parked_payments().await.unwrap(), 1);
    assert_eq!(store.paid_uncredited(10).await.unwrap(), [], "it waits for a person");

    let end = now().plus(Duration::from_secs(3600));
    let grant = grant(&payer, "grant", Some(end));
    let Ok(Outcome::Granted { grant, .. }) = books.ask(grant).await.unwrap() else { panic!() };
    let until = |seconds| store.expiring_grants(now(), now().plus(Duration::from_secs(seconds)), 9);
    let expiring = Due { user_id: payer.clone(), id: grant.grant_id, expire_time: end };
    assert_eq!(until(3000).await.unwrap(), []);
    assert_eq!(until(3700).await.unwrap(), [expiring]);
    let announce = Command::AnnounceExpiry { user_id: payer, grant_id: grant.grant_id };
    books.ask(announce).await.unwrap().unwrap();
    assert_eq!(until(3700).await.unwrap(), [], "the user was told");
    books.prove().await;
}

async fn a_second_payment_that_a_rule_gives_back_is_not_credited(database: Database) {
    let books = Books::open(&database).await;
    let (payer, store) = (user("payer"), &books.store);
    let stars = new_payment(&payer, "a", Provider::TelegramStars, 100);
    let first = books.about_payment(stars).await;
    books.about_payment(paid(&first, "charge-1", vec![])).await;
    books.about_payment(credit(&first)).await;
    let second = books.about_payment(paid(&first, "charge-2", vec![])).await;
    assert_eq!((second.state, second.repeat_of), (PaymentState::Paid, Some(first.payment_id)));
    assert_eq!(store.paid_uncredited(10).await.unwrap(), []);

    // The provider would not have it back: then it is the user's.
    let refund = store.due_refunds(now(), 10).await.unwrap().remove(0);
    assert_eq!((refund.origin, refund.payment_id), (RefundOrigin::Rule, second.payment_id));
    let (user_id, payment_id, refund_id) = (payer.clone(), second.payment_id, refund.refund_id);
    let answer = RefundAnswer::Refused { why: "too late".to_owned() };
    books.about_payment(Command::SettleRefund { user_id, payment_id, refund_id, answer }).await;
    let waiting = store.paid_uncredited(10).await.unwrap();
    assert_eq!(waiting.iter().map(|p| p.payment_id).collect::<Vec<_>>(), [second.payment_id]);
    books.about_payment(credit(&second)).await;
    assert_eq!(books.view(&payer).await.paid_balance, Amount::units(200));
    let refund = store.refunds_of(&payer, second.payment_id).await.unwrap().remove(0);
    assert!(refund.reason.contains("too late"), "{}", refund.reason);
    books.prove().await;
}

async fn payments_of_a_provider_are_listed_for_its_reconciliation(database: Database) {
    let books = Books::open(&database).await;
    let before = now();
    for n in 0..5 {
        books.pay_in(&user(&format!("u{}", n % 2)), &format!("p{n}"), 10).await;
    }
    books.new_payment(&user("u0"), "unpaid", 10).await;
    let after = now().plus(Duration::from_secs(1));
    let list = |from, to, last, limit| {
        books.store.payments_between(Provider::Yookassa, from, to, last, limit)
    };
    let mut found = list(before, after, None, 3).await.unwrap();
    let last = found.last().map(|last| (last.user_id.clone(), last.payment_id));
    found.extend(list(before, after, last, 3).await.unwrap());
    let order = |payment: &Payment| (payment.user_id.clone(), payment.payment_id);
    assert!(found.is_sorted_by_key(order) && found.len() == 5, "{found:?}");
    assert_eq!(list(Timestamp::from_micros(0), before, None, 9).await.unwrap(), []);
    let stars = books.store.payments_between(Provider::TelegramStars, before, after, None, 9);
    assert_eq!(stars.await.unwrap(), []);
    books.prove().await;
}

async fn a_cursor_is_what_was_set_last(database: Database) {
    let books = Books::open(&database).await;
    let store = &books.store;
    assert_eq!(store.cursor(Provider::TelegramStars).await.unwrap(), None);
    for cursor in ["100", "200", "{\"after\":\"я\"}"] {
        store.set_cursor(Provider::TelegramStars, cursor).await.unwrap();
        let found = store.cursor(Provider::TelegramStars).await.unwrap();
        assert_eq!(found.as_deref(), Some(cursor));
    }
    assert_eq!(store.cursor(Provider::Yookassa).await.unwrap(), None);
    books.prove().await;
}

async fn notifications_wait_in_their_queue(database: Database) {
    let books = Books::open(&database).await;
    let queue = books.store.notifications("test".to_owned());
    let body = serde_json::json!({ "event": "payment.succeeded" });
    queue.enqueue("1", Some("yookassa"), &body, None).await.unwrap();
    let taken = queue.claim(10, Duration::from_secs(60)).await.unwrap();
    assert_eq!(taken.len(), 1);
    books.prove().await;
}
