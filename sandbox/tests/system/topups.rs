//! Money comes in through YooKassa: once, and as much as was promised, whatever arrives and in which order.

use anyhow::Result;
use proto::billing::v1::{ParkReason, PaymentState};
use sandbox::system::System;
use sandbox::yookassa::{Call, Failure};
use serde_json::json;

use crate::payer::{Payer, all_is_well};

#[tokio::test]
async fn a_payment_is_credited_by_its_notification_and_the_user_is_told_once() -> Result<()> {
    let system = System::builder().start().await?;
    let payer = Payer::of(&system, 3001);
    payer.person.chat.send_text("/start");
    payer.person.told("Привет").await?;
    let payment = payer.begins("first", 300).await?;
    assert!(payment.confirmation_url.starts_with("http"), "{payment:?}");
    let id = &payment.provider_payment_id;

    system.yookassa().pay(id)?;
    let payment = payer.stands(&payment, PaymentState::Credited).await?;
    assert_eq!(payment.credited, payment.amount);
    assert_eq!(payer.kopecks().await?, 300_00);
    payer.person.told("300,00 ₽").await?;

    // The same once more, and many at once: 200 each time, and nothing changes.
    system.yookassa().all_taken().await;
    let statuses = system.yookassa().notify_in_parallel(id, 20).await?;
    assert_eq!(statuses, [200; 20]);
    system.yookassa().notify_again(id)?;
    system.yookassa().all_taken().await;
    assert_eq!(payer.refreshes(&payment).await?.state(), PaymentState::Credited);
    assert_eq!(payer.kopecks().await?, 300_00);
    payer.person.chat.send_text("/balance");
    payer.person.told("Баланс: 300,00 ₽").await?;
    assert_eq!(payer.times_told("Зачислено"), 1);
    all_is_well(&system).await
}

#[tokio::test]
async fn a_forged_notification_changes_nothing() -> Result<()> {
    let system = System::builder().start().await?;
    let payer = Payer::of(&system, 3002);
    let payment = payer.begins("unpaid", 1000).await?;
    let id = &payment.provider_payment_id;
    let paid = json!({
        "type": "notification", "event": "payment.succeeded",
        "object": {
            "id": id, "status": "succeeded", "paid": true,
            "amount": { "value": "1000.00", "currency": "RUB" },
            "metadata": { "payment_id": payment.payment_id },
        },
    });
    assert_eq!(system.yookassa().forge(paid.to_string()).await?, 200, "kept, to be asked about");
    let unknown = paid.to_string().replace(id.as_str(), "2f9a1c00-000f-5000-8000-1b68e7b15f3f");
    assert_eq!(system.yookassa().forge(unknown).await?, 200);
    for nonsense in ["", "{", "[]", "{\"type\":\"notification\"}", "\u{0}\u{1}"] {
        let status = system.yookassa().forge(nonsense).await?;
        assert_eq!(status, 400, "{nonsense:?}");
    }
    assert_eq!(payer.refreshes(&payment).await?.state(), PaymentState::Pending);
    assert_eq!(payer.kopecks().await?, 0);
    // What is really paid is credited after all that.
    system.yookassa().pay(id)?;
    payer.stands(&payment, PaymentState::Credited).await?;
    all_is_well(&system).await
}

#[tokio::test]
async fn only_the_listed_addresses_may_notify() -> Result<()> {
    let builder = System::builder().setting("YOOKASSA_NOTIFICATION_IPS", "185.71.76.0/27");
    let system = builder.start().await?;
    let payer = Payer::of(&system, 3003);
    let payment = payer.begins("fenced", 100).await?;
    system.yookassa().pay(&payment.provider_payment_id)?;
    assert_eq!(system.yookassa().forge("{}").await?, 403);
    // The fence costs time, not money.
    assert_eq!(payer.refreshes(&payment).await?.state(), PaymentState::Credited);
    all_is_well(&system).await
}

#[tokio::test]
async fn paid_after_it_was_canceled_is_credited() -> Result<()> {
    let system = System::builder().start().await?;
    let payer = Payer::of(&system, 3004);
    let payment = payer.begins("late", 500).await?;
    let id = &payment.provider_payment_id;
    system.yookassa().cancel(id)?;
    payer.stands(&payment, PaymentState::Canceled).await?;
    assert_eq!(payer.kopecks().await?, 0);
    system.yookassa().pay_late(id)?;
    payer.stands(&payment, PaymentState::Credited).await?;
    assert_eq!(payer.kopecks().await?, 500_00);
    all_is_well(&system).await
}

#[tokio::test]
async fn another_amount_or_currency_waits_for_a_person_and_the_user_is_told() -> Result<()> {
    let system = System::builder().start().await?;
    for (user, value, currency, reason) in [
        (3005, "99.00", "RUB", ParkReason::AmountMismatch),
        (3006, "100.00", "USD", ParkReason::CurrencyMismatch),
    ] {
        let payer = Payer::of(&system, user);
        payer.person.chat.send_text("/start");
        payer.person.told("Привет").await?;
        let payment = payer.begins(&format!("other-{user}"), 100).await?;
        system.yookassa().pay_other(&payment.provider_payment_id, value, currency)?;
        let payment = payer.stands(&payment, PaymentState::Paid).await?;
        assert_eq!(payment.park_reason(), reason);
        assert_eq!(payer.kopecks().await?, 0);
        payer.person.told("/paysupport").await?;
    }
    system.verify().await?;
    let differs = system.reconcile().await.expect_err("paid and not credited").to_string();
    assert!(differs.contains("99"), "{differs}");
    Ok(())
}

#[tokio::test]
async fn the_payment_of_another_shop_changes_nothing() -> Result<()> {
    let system = System::builder().start().await?;
    let payer = Payer::of(&system, 3007);
    let payment = payer.begins("other-shop", 100).await?;
    let id = &payment.provider_payment_id;
    system.yookassa().hold_notifications();
    system.yookassa().pay(id)?;
    system.yookassa().move_to_shop(id, "900001")?;
    system.yookassa().release_notifications();
    system.yookassa().all_taken().await;
    let now = payer.refreshes(&payment).await?;
    assert_ne!(now.state(), PaymentState::Credited);
    assert_eq!(payer.kopecks().await?, 0);
    system.verify().await
}

#[tokio::test]
async fn an_api_in_trouble_is_asked_until_it_answers() -> Result<()> {
    let system = System::builder().start().await?;
    for (number, failure) in [
        Failure::ServerError,
        Failure::TooManyRequests,
        Failure::Garbage,
        Failure::DropBefore,
        Failure::ServerErrorAfter,
        Failure::DropAfter,
    ]
    .into_iter()
    .enumerate()
    {
        let payer = Payer::of(&system, 3010 + i64::try_from(number)?);
        system.yookassa().fail_call(Call::CreatePayment, failure, 1);
        let payment = payer.begins(&format!("trouble-{number}"), 100).await?;
        let made = system.yookassa().payments();
        let ours = |made: &&serde_json::Value| {
            made["metadata"]["payment_id"] == payment.payment_id.as_str()
        };
        assert_eq!(made.iter().filter(ours).count(), 1, "{failure:?} made one payment there");
        system.yookassa().fail_call(Call::GetPayment, failure, 2);
        system.yookassa().pay(&payment.provider_payment_id)?;
        payer.stands(&payment, PaymentState::Credited).await?;
        assert_eq!(payer.kopecks().await?, 100_00, "{failure:?}");
    }
    all_is_well(&system).await
}

#[tokio::test]
async fn the_janitor_finds_what_no_notification_told_and_the_user_hears_of_it() -> Result<()> {
    let system = System::builder().setting("BILLING_PAYMENT_CHECKS", "1s,2s,3s").start().await?;
    let payer = Payer::of(&system, 3020);
    payer.person.chat.send_text("/start");
    payer.person.told("Привет").await?;
    system.yookassa().drop_notifications(true);
    let payment = payer.begins("never-told", 100).await?;
    system.yookassa().pay(&payment.provider_payment_id)?;
    payer.stands(&payment, PaymentState::Credited).await?;
    payer.person.told("100,00 ₽").await?;

    let forgotten = payer.begins("never-paid", 100).await?;
    payer.stands(&forgotten, PaymentState::Expired).await?;
    system.yookassa().drop_notifications(false);
    system.yookassa().pay_late(&forgotten.provider_payment_id)?;
    payer.stands(&forgotten, PaymentState::Credited).await?;
    assert_eq!(payer.kopecks().await?, 200_00);
    all_is_well(&system).await
}
