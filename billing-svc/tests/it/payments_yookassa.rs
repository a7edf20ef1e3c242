//! YooKassa: whatever it says, twice, late, forged or not at all, a payment is credited once and as promised.

use billing_svc::ledger::*;
use billing_svc::payments::{NewTopUp, PaymentError};
use futures::future::join_all;
use serde_json::json;

use crate::books::user;
use crate::harness::Database;
use crate::payments_shop::{Fault, notification};
use crate::payments_world::{World, administrator, from_nowhere, name, new_top_up};

on_both!(
    what_was_paid_is_credited_once_and_told,
    a_notification_that_comes_twice_to_two_instances_credits_once,
    a_forged_notification_changes_nothing,
    what_came_out_of_order_ends_as_the_provider_has_it,
    a_payment_that_is_paid_after_it_was_canceled_is_credited,
    what_is_not_ours_changes_nothing,
    another_amount_waits_for_a_person,
    another_currency_waits_for_a_person,
    an_api_that_fails_is_asked_again,
    a_lost_answer_makes_no_second_payment,
    a_provider_that_is_down_leaves_a_payment_to_go_on_with,
    a_payment_that_the_provider_refuses_is_canceled,
    a_repeated_request_is_the_same_payment,
    only_what_is_sold_can_be_bought,
);

async fn what_was_paid_is_credited_once_and_told(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payer = user("tg:1");
    let payment = world.invoice(&payer).await;
    assert_eq!(payment.state, PaymentState::Pending);
    assert!(payment.confirmation_url.as_ref().unwrap().contains(name(&payment)));
    assert_eq!(world.shop.last_body()["amount"], json!({"value": "100.00", "currency": "RUB"}));
    assert_eq!(world.shop.last_body()["metadata"]["payment_id"], payment.payment_id.to_string());
    assert_eq!(world.shop.last_body().get("receipt"), None);

    world.shop.pay(name(&payment));
    world.notify(notification("payment.succeeded", name(&payment))).await.unwrap();
    let credited = world.until(&payment, PaymentState::Credited).await;
    assert_eq!(credited.method.as_deref(), Some("sbp"));
    assert_eq!(credited.credited, Amount::units(100));
    assert_eq!(world.balance(&payer).await, Amount::units(100));

    let told = world
        .wait(async || {
            let events = world.books.store.events_after(0, 100).await.unwrap();
            let states: Vec<_> = events
                .into_iter()
                .filter_map(|(_, event)| match event.body {
                    EventBody::PaymentChanged { state, .. } => Some(state),
                    _ => None,
                })
                .collect();
            states.contains(&PaymentState::Credited).then_some(states)
        })
        .await;
    assert_eq!(told, [PaymentState::Pending, PaymentState::Paid, PaymentState::Credited]);
    world.prove().await;
}

async fn a_notification_that_comes_twice_to_two_instances_credits_once(database: Database) {
    let mut world = World::open(&database).await;
    let other = world.another();
    world.start();
    world.run(&other);
    let payer = user("tg:1");
    let payment = world.invoice(&payer).await;
    world.shop.pay(name(&payment));
    let body = notification("payment.succeeded", name(&payment));
    let sent = (0..20).map(|n| {
        let instance = if n % 2 == 0 { &world.payments } else { &other };
        instance.notify(Provider::Yookassa, from_nowhere(body.clone()))
    });
    for answer in join_all(sent).await {
        answer.unwrap();
    }
    world.until_followed().await;
    assert_eq!(world.payment(&payment).await.state, PaymentState::Credited);
    assert_eq!(world.balance(&payer).await, Amount::units(100));
    world.prove().await;
}

async fn a_forged_notification_changes_nothing(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payer = user("tg:1");
    let payment = world.invoice(&payer).await;
    // It says `succeeded` and 100,000 roubles; the shop has it pending.
    world.notify(notification("payment.succeeded", name(&payment))).await.unwrap();
    world.until_followed().await;
    assert_eq!(world.payment(&payment).await, payment);
    assert_eq!(world.balance(&payer).await, Amount::ZERO);
    world.prove().await;
}

async fn what_came_out_of_order_ends_as_the_provider_has_it(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.pay(name(&payment));
    for event in
        ["payment.canceled", "payment.succeeded", "payment.waiting_for_capture", "payment.canceled"]
    {
        world.notify(notification(event, name(&payment))).await.unwrap();
    }
    world.until_followed().await;
    assert_eq!(world.payment(&payment).await.state, PaymentState::Credited);
    assert_eq!(world.balance(&user("tg:1")).await, Amount::units(100));
    world.prove().await;
}

async fn a_payment_that_is_paid_after_it_was_canceled_is_credited(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.cancel(name(&payment));
    world.notify(notification("payment.canceled", name(&payment))).await.unwrap();
    world.until(&payment, PaymentState::Canceled).await;
    world.shop.pay(name(&payment));
    world.notify(notification("payment.succeeded", name(&payment))).await.unwrap();
    world.until(&payment, PaymentState::Credited).await;
    assert_eq!(world.balance(&user("tg:1")).await, Amount::units(100));
    world.prove().await;
}

async fn what_is_not_ours_changes_nothing(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payment = world.invoice(&user("tg:1")).await;
    let named = json!({"payment_id": payment.payment_id.to_string()});
    let of_another_shop = world.shop.put("200600", named, "100.00");
    let of_nobody = world.shop.put("100500", json!({}), "100.00");
    let of_another_site = world.shop.put("100500", json!({"order": "7"}), "100.00");
    for id in [of_another_shop.as_str(), &of_nobody, &of_another_site, "2d3f-unknown"] {
        world.notify(notification("payment.succeeded", id)).await.unwrap();
    }
    world.until_followed().await;
    assert_eq!(world.payment(&payment).await, payment);
    assert_eq!(world.balance(&user("tg:1")).await, Amount::ZERO);
    world.prove().await;
}

async fn another_amount_waits_for_a_person(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payer = user("tg:1");
    let payment = world.invoice(&payer).await;
    world.shop.edit(name(&payment), |payment| payment["amount"]["value"] = json!("99.99"));
    world.shop.pay(name(&payment));
    world.notify(notification("payment.succeeded", name(&payment))).await.unwrap();
    let parked = world.until(&payment, PaymentState::Paid).await;
    assert_eq!(parked.parked, Some(ParkReason::AmountMismatch));
    assert_eq!(parked.received.unwrap().amount.micros(), 99_990_000);
    world.until_followed().await;
    assert_eq!(world.balance(&payer).await, Amount::ZERO);
    assert_eq!(world.books.store.parked_payments().await.unwrap(), 1);

    let command = Command::CreditPayment {
        user_id: payer.clone(),
        payment_id: payment.payment_id,
        by: Some((administrator("credit-1"), Some(Amount::from_micros(99_990_000)))),
    };
    world.books.ask(command).await.unwrap().unwrap();
    assert_eq!(world.balance(&payer).await.micros(), 99_990_000);
    world.prove().await;
}

async fn another_currency_waits_for_a_person(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.edit(name(&payment), |payment| payment["amount"]["currency"] = json!("KZT"));
    world.shop.pay(name(&payment));
    world.notify(notification("payment.succeeded", name(&payment))).await.unwrap();
    let parked = world.until(&payment, PaymentState::Paid).await;
    assert_eq!(parked.parked, Some(ParkReason::CurrencyMismatch));
    assert_eq!(world.balance(&user("tg:1")).await, Amount::ZERO);
    world.prove().await;
}

async fn an_api_that_fails_is_asked_again(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.pay(name(&payment));
    let faults = [
        Fault::Answer(500),
        Fault::Answer(429),
        Fault::Garbage,
        Fault::Answer(401),
        Fault::Answer(302),
    ];
    world.shop.fail(&faults);
    world.notify(notification("payment.succeeded", name(&payment))).await.unwrap();
    world.until(&payment, PaymentState::Credited).await;
    assert_eq!(world.shop.calls("GET /payments/"), faults.len() + 1);
    world.prove().await;
}

async fn a_lost_answer_makes_no_second_payment(database: Database) {
    let world = World::open(&database).await;
    world.shop.fail(&[Fault::Lost, Fault::Answer(500)]);
    let payment = world.invoice(&user("tg:1")).await;
    assert_eq!(payment.state, PaymentState::Pending);
    assert_eq!((world.shop.calls("POST /payments"), world.shop.payments()), (3, 1));
    world.prove().await;
}

async fn a_provider_that_is_down_leaves_a_payment_to_go_on_with(database: Database) {
    let world = World::open(&database).await;
    let new = new_top_up(&user("tg:1"), Provider::Yookassa);
    world.shop.fail(&[Fault::Lost, Fault::Answer(503), Fault::Garbage]);
    let refused = world.create(new.clone()).await.unwrap_err();
    assert!(matches!(refused, PaymentError::Unavailable { .. }), "{refused:?}");
    let kept = world.books.store.payment_by_request(&new.request_id).await.unwrap().unwrap();
    assert_eq!(kept.state, PaymentState::Created);

    let again = world.create(new).await.unwrap();
    assert_eq!(again.payment.payment_id, kept.payment_id);
    assert_eq!((again.replayed, again.payment.state), (true, PaymentState::Pending));
    assert_eq!(world.shop.payments(), 1);
    world.prove().await;
}

async fn a_payment_that_the_provider_refuses_is_canceled(database: Database) {
    let world = World::open(&database).await;
    world.shop.fail(&[Fault::Answer(400)]);
    let payment = world.invoice(&user("tg:1")).await;
    assert_eq!((payment.state, payment.next_check), (PaymentState::Canceled, None));
    world.prove().await;
}

async fn a_repeated_request_is_the_same_payment(database: Database) {
    let world = World::open(&database).await;
    let new = new_top_up(&user("tg:1"), Provider::Yookassa);
    let first = world.create(new.clone()).await.unwrap();
    let again = world.create(new.clone()).await.unwrap();
    assert_eq!((&again.payment, again.replayed), (&first.payment, true));
    assert_eq!(world.shop.calls("POST /payments"), 1);
    let other = NewTopUp { amount: Amount::units(300), ..new };
    let refused = world.create(other).await.unwrap_err();
    let reused = Rejection::RequestIdReused { field: "amount" };
    assert!(matches!(refused, PaymentError::Rule(rejection) if rejection == reused));
    world.prove().await;
}

async fn only_what_is_sold_can_be_bought(database: Database) {
    let world = World::open(&database).await;
    for (provider, micros) in [
        (Provider::Yookassa, 9_990_000),
        (Provider::Yookassa, 15_000_010_000),
        (Provider::Yookassa, 10_005_000),
        (Provider::TelegramStars, 101_000_000),
    ] {
        let amount = Amount::from_micros(micros);
        let new = NewTopUp { amount, ..new_top_up(&user("tg:1"), provider) };
        let refused = world.create(new).await.unwrap_err();
        assert!(matches!(refused, PaymentError::Field { field: "amount", .. }), "{micros}");
    }
    let nobody = world.create(new_top_up(&user("tg:1"), Provider::Sandbox)).await.unwrap_err();
    assert!(matches!(nobody, PaymentError::NotConfigured));
    world.prove().await;
}
