//! What the store tells of users, their grants, promo codes and invitations.

use billing_svc::ledger::*;
use billing_svc::store::FindUsers;

use crate::books::*;
use crate::harness::Database;
use crate::topups::*;

on_both!(
    users_are_found_by_what_they_are_known_by,
    codes_and_invitations_are_counted,
    grants_are_listed_newest_first,
);

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
