//! What the store tells of payments, promotions and users.

use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::store::{Due, FindUsers, HistoryRow};
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
    users_are_found_by_what_they_are_known_by,
    codes_and_invitations_are_counted,
    grants_are_listed_newest_first,
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
    assert_eq!(store.payments_of(&payer, &states, None, 10).await.unwrap(), [second.clone()]);
    let older = store.payments_of(&payer, &[], Some(second.payment_id), 10).await.unwrap();
    assert_eq!(older, [back.clone()]);

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
    assert_eq!(due, [payment.clone()]);

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

fn grant(user: &UserId, request_id: &str, expire_time: Option<Timestamp>) -> Command {
    Command::GrantCredits(GrantCredits {
        user_id: user.clone(),
        request_id: request(request_id),
        grant_id: GrantId(Uuid::now_v7()),
        credits: Credits { unit: Unit::Operation, amount: 2 },
        kind: GrantKind::Promo,
        priority: 0,
        expire_time,
        reason: "a test".to_owned(),
        caller: "test".to_owned(),
    })
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

async fn users_are_found_by_what_they_are_known_by(database: Database) {
    let books = Books::open(&database).await;
    for name in ["tg:1", "tg:10", "tg:2", "tgx", "TG:1"] {
        books.top_up(&user(name), 6).await;
    }
    let charged = books.charge(&user("tg:10"), "charge-1").await;
    let payment = books.pay_in(&user("tg:2"), "pay-1", 10).await;
    let blocked =
        Command::SetStanding { user_id: user("tgx"), standing: Standing::Blocked, by: by("block") };
    books.ask(blocked).await.unwrap().unwrap();

    let find = async |prefix: &str,
                      standings: &[Standing],
                      reference: Option<&str>,
                      after: Option<&str>| {
        let find = FindUsers {
            prefix: prefix.to_owned(),
            standings: standings.to_vec(),
            reference: reference.map(str::to_owned),
        };
        let after = after.map(user);
        let found = books.store.find_users(&find, after.as_ref(), 3, now()).await.unwrap();
        found.into_iter().map(|view| view.user_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(find("", &[], None, None).await, ["TG:1", "tg:1", "tg:10"]);
    assert_eq!(find("", &[], None, Some("tg:10")).await, ["tg:2", "tgx"]);
    assert_eq!(find("tg:1", &[], None, None).await, ["tg:1", "tg:10"]);
    assert_eq!(find("", &[Standing::Blocked], None, None).await, ["tgx"]);
    assert_eq!(find("", &[Standing::InDebt], None, None).await, [""; 0]);
    let operation_id = charged.operation_id.to_string();
    for reference in ["charge-1", &operation_id] {
        assert_eq!(find("", &[], Some(reference), None).await, ["tg:10"], "{reference}");
    }
    let payment_id = payment.payment_id.to_string();
    for reference in ["pay-1", &payment_id] {
        assert_eq!(find("", &[], Some(reference), None).await, ["tg:2"], "{reference}");
    }
    assert_eq!(find("tg:1", &[], Some("pay-1"), None).await, [""; 0], "both must fit");
    assert_eq!(find("", &[], Some("nobody's"), None).await, [""; 0]);
    let all = FindUsers { prefix: "tg:10".to_owned(), ..FindUsers::default() };
    let found = books.store.find_users(&all, None, 3, now()).await.unwrap();
    assert_eq!(found, [books.view(&user("tg:10")).await]);
    books.prove().await;
}

async fn codes_and_invitations_are_counted(database: Database) {
    let books = Books::open(&database).await;
    let (host, guest, other) = (user("host"), user("guest"), user("other"));
    let store = &books.store;
    for name in ["SPRING", "SUMMER", "AUTUMN"] {
        books.ask(new_code(name, 2)).await.unwrap().unwrap();
    }
    books.ask(redeem(&guest, "SUMMER")).await.unwrap().unwrap();
    let mut list = store.promo_codes(None, 2).await.unwrap();
    let last = list.last().map(|last| (last.create_time, last.code.clone()));
    list.extend(store.promo_codes(last, 2).await.unwrap());
    let list: Vec<_> = list.iter().map(|c| (c.code.as_str(), c.redemptions)).collect();
    assert_eq!(list, [("AUTUMN", 0), ("SUMMER", 1), ("SPRING", 0)], "newest first");

    assert_eq!(store.referral_code(&host).await.unwrap(), None);
    books.ask(make_code(&host, "aaaaaaaaaa")).await.unwrap().unwrap();
    books.ask(make_code(&host, "bbbbbbbbbb")).await.unwrap().unwrap();
    let code = store.referral_code(&host).await.unwrap().unwrap();
    assert_eq!(code.as_str(), "aaaaaaaaaa", "the first stays");
    assert_eq!(store.user_of_referral_code(&code).await.unwrap(), Some(host.clone()));
    let unknown = ReferralCode::parse("bbbbbbbbbb").unwrap();
    assert_eq!(store.user_of_referral_code(&unknown).await.unwrap(), None);

    for user_id in [&guest, &other] {
        let accept = Command::AcceptReferral { user_id: user_id.clone(), inviter: host.clone() };
        books.ask(accept).await.unwrap().unwrap();
    }
    assert_eq!(store.referral_counts(&host).await.unwrap(), (2, 0));
    assert_eq!(store.earned_referrals(10).await.unwrap(), []);
    books.pay_in(&guest, "first", 10).await;
    let earned = store.earned_referrals(10).await.unwrap();
    assert_eq!(earned.iter().map(|r| &r.user_id).collect::<Vec<_>>(), [&guest]);
    let reward = Command::RewardReferral { user_id: host.clone(), invitee: guest };
    books.ask(reward).await.unwrap().unwrap();
    assert_eq!(store.earned_referrals(10).await.unwrap(), []);
    assert_eq!(store.referral_counts(&host).await.unwrap(), (2, 1));
    assert_eq!(store.referral_counts(&other).await.unwrap(), (0, 0));
    books.prove().await;
}

async fn grants_are_listed_newest_first(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    for n in 0..4 {
        books.ask(grant(&payer, &format!("grant-{n}"), None)).await.unwrap().unwrap();
    }
    let mut list = books.store.grants_page(&payer, None, 3).await.unwrap();
    let last = list.last().map(|last| (last.create_time, last.grant_id));
    list.extend(books.store.grants_page(&payer, last, 3).await.unwrap());
    assert_eq!(list.len(), 5, "four, and that of the sign-up");
    assert!(list.is_sorted_by_key(|g| std::cmp::Reverse((g.create_time, g.grant_id))));
    assert_eq!(books.store.grants_page(&user("stranger"), None, 3).await.unwrap(), []);
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
