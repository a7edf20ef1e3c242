//! What users are told besides the arrival of money, and in which words.

use bot_gateway::notices;
use proto::{
    billing::v1::{
        GiftCause, Grant, GrantGiven, OperationSettled, ParkReason, PaymentRefund, PaymentState,
        RefundChanged, RefundOrigin, RefundReason, RefundState, Standing, StandingChanged, Unit,
        event::Body,
    },
    money::from_micros,
};

use crate::{
    conversation::billing::RUBLE,
    harness::World,
    notices::{payment, shown, told},
};

#[tokio::test]
async fn an_operation_given_back_is_told_to_who_has_its_result() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let gateway = world.gateway(&[]).await;
    let (delivered, unknown) = (world.operation(1), world.operation(1));
    gateway.deliver(&delivered, &user, 0, 1).await.unwrap();
    for operation_id in [unknown, delivered] {
        let mut settled = OperationSettled {
            operation_id,
            refunded: Some(from_micros(10 * RUBLE, "RUB")),
            ..OperationSettled::default()
        };
        settled.set_reason(RefundReason::Other);
        world.bank.happens("tg:1", Body::OperationRefunded(settled));
    }
    world.all_done(notices::TABLE, 2).await;
    let said = told(&user).into_iter().filter(|seen| seen.text.contains("вернули")).count();
    assert_eq!(said, 1);
    gateway.stop().await;
}

#[tokio::test]
async fn what_needs_no_message_is_only_edited_and_what_is_parked_says_why() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let message = shown(&world, &user, "p").await;
    let gateway = world.gateway(&[]).await;
    for state in [PaymentState::Pending, PaymentState::Canceled, PaymentState::Expired] {
        world.bank.payment_becomes(payment(&user, "p", state));
    }
    world.all_done(notices::TABLE, 2).await;
    let [own] = told(&user).try_into().unwrap();
    assert!(own.id == message && own.edited);

    let mut parked = payment(&user, "p", PaymentState::Paid);
    parked.set_park_reason(ParkReason::AmountMismatch);
    parked.received = Some(from_micros(299 * RUBLE, "RUB"));
    world.bank.payment_becomes(parked);
    world.all_done(notices::TABLE, 3).await;
    let [own, said] = told(&user).try_into().unwrap();
    assert!(own.text.contains("299,00") && said.text.contains("299,00"), "{own:?} {said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_users_news_come_in_the_order_in_which_they_happened() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let gateway = world.gateway(&[]).await;
    let user_id = "tg:1";
    let mut disputed = payment(&user, "p", PaymentState::Disputed);
    disputed.refunded = disputed.amount.clone();
    world.bank.books().payments.insert("p".to_owned(), disputed);
    let mut taken = RefundChanged {
        payment_id: "p".to_owned(),
        refund_id: "r".to_owned(),
        amount: Some(from_micros(300 * RUBLE, "RUB")),
        ..RefundChanged::default()
    };
    taken.set_origin(RefundOrigin::Dispute);
    taken.set_state(RefundState::Pending);
    world.bank.happens(user_id, Body::RefundChanged(taken));
    for (from, to, balance) in
        [(Standing::Good, Standing::InDebt, -40), (Standing::InDebt, Standing::Good, 0)]
    {
        let mut changed = StandingChanged {
            paid_balance: Some(from_micros(balance * RUBLE, "RUB")),
            ..StandingChanged::default()
        };
        changed.set_from(from);
        changed.set_to(to);
        world.bank.happens(user_id, Body::StandingChanged(changed));
    }
    world.all_done(notices::TABLE, 3).await;
    let said: Vec<_> = told(&user).into_iter().map(|seen| seen.text).collect();
    for (text, part) in said.iter().zip(["оспаривает", "долг: 40,00", "Долг погашен"])
    {
        assert!(text.contains(part), "{said:?}");
    }
    assert_eq!(said.len(), 3);
    gateway.stop().await;
}

#[tokio::test]
async fn a_payment_that_was_never_credited_is_given_back_in_its_own_currency() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let gateway = world.gateway(&[]).await;
    let stars = Some(from_micros(222 * RUBLE, "XTR"));
    let refund = PaymentRefund { refund_id: "r".to_owned(), price: stars, ..Default::default() };
    let mut back = payment(&user, "p", PaymentState::Refunded);
    back.refunds = vec![refund];
    world.bank.books().payments.insert("p".to_owned(), back);
    let mut changed = RefundChanged {
        payment_id: "p".to_owned(),
        refund_id: "r".to_owned(),
        ..RefundChanged::default()
    };
    changed.set_origin(RefundOrigin::Rule);
    changed.set_state(RefundState::Succeeded);
    world.bank.happens("tg:1", Body::RefundChanged(changed));
    user.sees(|message| message.text.contains("222 звезды")).await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn a_user_is_told_in_the_language_in_which_they_were_last_seen() {
    let world = World::new().await;
    let user = world.telegram.user_named(1, "Ann", "en");
    let gateway = world.gateway(&[]).await;
    user.send_text("/help");
    world.inbox_becomes(|rows| rows.iter().any(|(_, state)| state == "done")).await;
    let mut grant = Grant { operations_given: 1, ..Grant::default() };
    grant.set_unit(Unit::Operation);
    let mut given = GrantGiven { grant: Some(grant), ..GrantGiven::default() };
    given.set_cause(GiftCause::Inviter);
    world.bank.happens("tg:1", Body::GrantGiven(given));
    let gift = user.sees(|message| message.text.contains("1 free operation")).await.unwrap();
    assert!(gift.text.contains("gift"), "{gift:?}");
    gateway.stop().await;
}
