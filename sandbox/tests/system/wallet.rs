//! Paying in the chat: packs, methods, links and invoices, codes and invitations, and what the user is told.

use anyhow::{Context, Result};
use proto::billing::v1::{
    CreatePromoCodeRequest, PaymentState, PromoCode, RefundPaymentRequest, promo_code::Credits,
};
use sandbox::system::{Service, System};

use crate::payer::{Payer, all_is_well};
use crate::person::until;

#[tokio::test]
async fn a_refused_request_runs_with_one_tap_after_the_top_up() -> Result<()> {
    let system = System::builder().setting("BILLING_FREE_OPERATIONS", "0").start().await?;
    let payer = Payer::of(&system, 3401);
    let chat = &payer.person.chat;
    chat.send_text("кот за деньги");
    let refusal = payer.person.told("Не хватает 10,00 ₽").await?;
    let suggested = refusal.buttons.iter().find(|button| button.text.contains("100,00"));
    chat.press(&suggested.context("a pack that covers what is missing")?.data)?;
    press(&payer, "Как оплатить?", "Карта, СБП").await?;
    let offer = payer.person.told("Способ: ").await?;
    let link = offer.buttons.iter().find(|button| button.text.starts_with("Оплатить"));
    assert!(link.is_some(), "{offer:?}");

    let id = system.yookassa().created(&payer.person.user_id()).await;
    system.yookassa().pay(&id)?;
    press(&payer, "Можно продолжить", "🔁").await?;
    chat.sees_photos(1).await?;
    payer.person.settled(2).await?;
    assert_eq!(payer.kopecks().await?, 90_00);

    chat.send_text("/history");
    let history = payer.person.told("История").await?;
    for part in ["Пополнение", "зачислено", "готово", "отклонено"]
    {
        assert!(history.text.contains(part), "{part}: {}", history.text);
    }
    all_is_well(&system).await
}

#[tokio::test]
async fn a_press_that_comes_twice_makes_one_payment() -> Result<()> {
    let system = System::builder().start().await?;
    let payer = Payer::of(&system, 3402);
    system.telegram().deliver_twice(u32::MAX);
    payer.person.chat.send_text("/pay");
    press(&payer, "Баланс", "300,00").await?;
    press(&payer, "Как оплатить?", "Карта, СБП").await?;
    payer.person.told("Способ: ").await?;
    payer.person.chat.send_text("/balance");
    payer.person.told("Бесплатных операций: 3 из 3").await?;
    assert_eq!(system.yookassa().payments().len(), 1);
    all_is_well(&system).await
}

#[tokio::test]
async fn stars_are_paid_in_the_chat_and_each_payment_of_an_invoice_is_credited() -> Result<()> {
    let system = System::builder().start().await?;
    let payer = Payer::of(&system, 3403);
    invoice(&payer, 100).await?;
    payer.person.chat.pay_newest_invoice().await?;
    until("the credit", async || Ok((payer.kopecks().await? == 100_00).then_some(()))).await?;
    payer.person.told("Зачислено 100,00 ₽").await?;
    payer.person.chat.pay_newest_invoice().await?;
    until("the other", async || Ok((payer.kopecks().await? == 200_00).then_some(()))).await?;
    all_is_well(&system).await
}

#[tokio::test]
async fn the_second_payment_of_an_invoice_goes_back_where_that_is_the_rule() -> Result<()> {
    let system = System::builder().setting("BILLING_STARS_REPEAT", "refund").start().await?;
    let payer = Payer::of(&system, 3404);
    invoice(&payer, 100).await?;
    let chat = &payer.person.chat;
    chat.pay_newest_invoice().await?;
    until("the credit", async || Ok((payer.kopecks().await? == 100_00).then_some(()))).await?;
    let refused = chat.pay_newest_invoice().await.expect_err("asked before, billing says no");
    assert!(format!("{refused}").contains("оплачен"), "{refused}");
    all_is_well(&system).await
}

#[tokio::test]
async fn a_second_payment_that_was_approved_in_time_goes_back_by_itself() -> Result<()> {
    let system = System::builder().setting("BILLING_STARS_REPEAT", "refund").start().await?;
    let payer = Payer::of(&system, 3410);
    invoice(&payer, 100).await?;
    // Nobody tells billing of the first, so it approves the second.
    system.telegram().lose_payments(2);
    payer.person.chat.pay_newest_invoice().await?;
    let price = system.telegram().stars_less_refunded();
    payer.person.chat.pay_newest_invoice().await?;
    assert_eq!(system.telegram().stars_less_refunded(), 2 * price);
    press(&payer, "Счёт отправил", "Проверить").await?;
    until("the second to go back", async || {
        Ok((system.telegram().stars_less_refunded() == price).then_some(()))
    })
    .await?;
    until("the credit", async || Ok((payer.kopecks().await? == 100_00).then_some(()))).await?;
    payer.person.told("второй платёж возвращён").await?;

    // And the first, because the user asked.
    let payments = system.billing().payments_of(&payer.person.user_id()).await?;
    let first = payments.iter().find(|payment| payment.repeat_of.is_empty());
    let request = RefundPaymentRequest {
        request_id: "back".to_owned(),
        payment_id: first.context("the first payment")?.payment_id.clone(),
        reason: "the customer asked".to_owned(),
        ..RefundPaymentRequest::default()
    };
    system.billing().admin.refund_payment(request).await?;
    until("all Stars to go back", async || {
        Ok((system.telegram().stars_less_refunded() == 0).then_some(()))
    })
    .await?;
    assert_eq!(payer.kopecks().await?, 0);
    all_is_well(&system).await
}

#[tokio::test]
async fn a_lost_update_about_stars_is_found_in_telegrams_own_list() -> Result<()> {
    let system = System::builder().start().await?;
    let payer = Payer::of(&system, 3405);
    invoice(&payer, 300).await?;
    system.telegram().lose_payments(1);
    payer.person.chat.pay_newest_invoice().await?;
    until("the credit", async || Ok((payer.kopecks().await? == 300_00).then_some(()))).await?;
    payer.person.told("Зачислено 300,00 ₽").await?;
    all_is_well(&system).await
}

#[tokio::test]
async fn stars_paid_while_billing_is_down_are_credited_when_it_is_back() -> Result<()> {
    let mut system = System::builder().start().await?;
    let payer = Payer::of(&system, 3406);
    invoice(&payer, 100).await?;
    system.kill(Service::Billing).await?;
    let refused = payer.person.chat.pay_newest_invoice().await.expect_err("nobody can approve");
    assert!(format!("{refused}").contains("минуту"), "{refused}");
    system.start(Service::Billing).await?;
    payer.person.chat.pay_newest_invoice().await?;
    until("the credit", async || Ok((payer.kopecks().await? == 100_00).then_some(()))).await?;
    all_is_well(&system).await
}

#[tokio::test]
async fn money_is_told_of_once_with_two_gateways_and_across_a_restart() -> Result<()> {
    let database = test_postgres::TestDatabase::new().await;
    let mut system = System::builder()
        .webhook()
        .setting("GATEWAY_DATABASE_URL", database.url())
        .setting("GATEWAY_MIGRATE", "auto")
        .start()
        .await?;
    let second = system.start_another(Service::Gateway).await?;
    let payer = Payer::of(&system, 3407);
    payer.person.chat.send_text("/start");
    payer.person.told("Привет").await?;
    let mut expected = 0;
    for round in 0..6 {
        let payment = payer.begins(&format!("two-gateways-{round}"), 100).await?;
        system.yookassa().pay(&payment.provider_payment_id)?;
        payer.stands(&payment, PaymentState::Credited).await?;
        expected += 1;
        let told = || payer.times_told("Зачислено") >= expected;
        if round == 3 {
            system.kill(Service::Gateway).await?;
            system.start(Service::Gateway).await?;
            // What was in the middle of being told when it was killed is not told twice.
            until("the books", async || {
                Ok((payer.kopecks().await? == i64::from(round + 1) * 100_00).then_some(()))
            })
            .await?;
            expected = payer.times_told("Зачислено");
        } else {
            until("the message", async || Ok(told().then_some(()))).await?;
        }
    }
    let told = payer.times_told("Зачислено");
    assert!(told == 6 || told == 5, "each once, or not at all where it was killed: {told}");
    second.stop().await?;
    all_is_well(&system).await
}

#[tokio::test]
async fn a_promo_code_and_an_invitation_give_once() -> Result<()> {
    let system = System::builder().start().await?;
    let promo_code = PromoCode {
        code: "AUTUMN".to_owned(),
        campaign: "autumn letters".to_owned(),
        credits: Some(Credits::Operations(5)),
        max_redemptions: 1,
        ..PromoCode::default()
    };
    let request = CreatePromoCodeRequest {
        request_id: "autumn".to_owned(),
        promo_code: Some(promo_code),
        reason: "a campaign".to_owned(),
    };
    system.billing().admin.create_promo_code(request).await?;
    let (inviter, invited) = (Payer::of(&system, 3408), Payer::of(&system, 3409));
    inviter.person.chat.send_text("/promo autumn");
    inviter.person.told("Промокод принят").await?;
    assert_eq!(inviter.person.has().await?.free_operations_left, 8);
    inviter.person.chat.send_text("/promo AUTUMN");
    inviter.person.told("уже активировали").await?;
    invited.person.chat.send_text("/promo AUTUMN");
    invited.person.told("уже разобрали").await?;

    inviter.person.chat.send_text("/invite");
    let invitation = inviter.person.told("start=ref_").await?.text;
    let code: String = invitation
        .split("start=")
        .nth(1)
        .context("a link")?
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    inviter.person.chat.send_text(&format!("/start {code}"));
    inviter.person.told("ваша собственная ссылка").await?;
    invited.person.chat.send_text(&format!("/start {code}"));
    let greeting = invited.person.told("Вас пригласили").await?;
    assert!(greeting.text.starts_with("Привет"), "greeted as who is new: {}", greeting.text);
    let payment = invited.begins("first-top-up", 100).await?;
    system.yookassa().pay(&payment.provider_payment_id)?;
    invited.person.told("За первое пополнение").await?;
    inviter.person.told("Тот, кого вы пригласили").await?;
    assert_eq!(invited.person.has().await?.free_operations_left, 6);
    assert_eq!(inviter.person.has().await?.free_operations_left, 11);
    all_is_well(&system).await
}

/// The bot sends an invoice in Stars for a pack.
async fn invoice(payer: &Payer, rubles: i64) -> Result<()> {
    payer.person.chat.send_text("/pay");
    press(payer, "Баланс", &format!("{rubles},00")).await?;
    press(payer, "Как оплатить?", "⭐").await?;
    payer.person.told("Счёт отправил").await?;
    Ok(())
}

/// Waits for the message and presses its button.
async fn press(payer: &Payer, message: &str, button: &str) -> Result<()> {
    let message = payer.person.told(message).await?;
    let found = message.buttons.iter().find(|candidate| candidate.text.contains(button));
    let found = found.with_context(|| format!("no {button:?} on {message:?}"))?;
    payer.person.chat.press_on(message.id, &found.data)?;
    Ok(())
}
