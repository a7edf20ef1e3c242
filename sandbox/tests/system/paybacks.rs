//! Money goes back: by an administrator, in the provider's cabinet, by the payer's bank.

use anyhow::Result;
use proto::billing::v1::{
    OperationState, PaymentState, RefundOrigin, RefundPaymentRequest, RefundState, Standing,
};
use proto::money;
use sandbox::system::System;
use sandbox::yookassa::{Call, Failure};

use crate::payer::{Payer, all_is_well};
use crate::person::until;

#[tokio::test]
async fn an_administrator_refunds_in_parts_and_a_lost_answer_refunds_nothing_twice() -> Result<()> {
    let system = System::builder().start().await?;
    let payer = Payer::of(&system, 3101);
    let payment = payer.begins("to-refund", 300).await?;
    let id = &payment.provider_payment_id;
    system.yookassa().pay(id)?;
    payer.stands(&payment, PaymentState::Credited).await?;

    let refund = |request_id: &str, rubles: i64| RefundPaymentRequest {
        request_id: request_id.to_owned(),
        payment_id: payment.payment_id.clone(),
        amount: (rubles > 0).then(|| money::from_micros(rubles * 1_000_000, "RUB")),
        reason: "the customer asked".to_owned(),
    };
    let admin = &system.billing().admin;
    system.yookassa().fail_call(Call::CreateRefund, Failure::DropAfter, 1);
    admin.refund_payment(refund("part", 100)).await?;
    let again = admin.refund_payment(refund("part", 100)).await?;
    assert!(again.replayed);
    until("the refund to be confirmed", async || {
        let now = payer.payment(&payment).await?;
        Ok(now.refunds.iter().any(|one| one.state() == RefundState::Succeeded).then_some(()))
    })
    .await?;
    assert_eq!(payer.kopecks().await?, 200_00);
    assert_eq!(system.yookassa().refunds_of(id).len(), 1);

    admin.refund_payment(refund("rest", 0)).await?;
    let error = admin.refund_payment(refund("too-much", 1)).await.expect_err("nothing is left");
    assert_eq!(error.reason, "PAYMENT_STATE", "{error:?}");
    let now = payer.stands(&payment, PaymentState::Refunded).await?;
    assert_eq!(now.refunded, now.credited);
    assert_eq!(payer.kopecks().await?, 0);
    all_is_well(&system).await
}

#[tokio::test]
async fn a_chargeback_of_spent_money_makes_a_debt_that_the_next_top_up_repays() -> Result<()> {
    let system = System::builder().setting("BILLING_FREE_OPERATIONS", "0").start().await?;
    let payer = Payer::of(&system, 3102);
    payer.person.chat.send_text("/start");
    payer.person.told("Привет").await?;
    let payment = payer.begins("to-dispute", 100).await?;
    system.yookassa().pay(&payment.provider_payment_id)?;
    payer.stands(&payment, PaymentState::Credited).await?;
    payer.person.chat.send_text("потрачено");
    payer.person.settled(1).await?;

    system.fal().hold();
    payer.person.chat.send_text("уже рисуется");
    payer.person.charged().await?;
    system.yookassa().dispute(&payment.provider_payment_id)?;
    until("a debt", async || Ok((payer.standing().await? == Standing::InDebt).then_some(())))
        .await?;
    assert_eq!(payer.kopecks().await?, -20_00);
    payer.person.chat.send_text("в долг не дают");
    until("the refusal", async || {
        let operations = payer.person.operations().await?;
        Ok(operations.iter().any(|one| one.decline_reason == "IN_DEBT").then_some(()))
    })
    .await?;
    system.fal().release();
    let operations = payer.person.settled(3).await?;
    assert_eq!(
        operations[1].state(),
        OperationState::Completed,
        "what ran before ends as it would"
    );

    let next = payer.begins("repays", 100).await?;
    system.yookassa().pay(&next.provider_payment_id)?;
    payer.stands(&next, PaymentState::Credited).await?;
    assert_eq!(payer.standing().await?, Standing::Good);
    assert_eq!(payer.kopecks().await?, 80_00);
    payer.person.chat.send_text("снова можно");
    payer.person.settled(4).await?;
    all_is_well(&system).await
}

#[tokio::test]
async fn refunds_made_in_the_cabinet_reach_the_balance_once() -> Result<()> {
    let system = System::builder().start().await?;
    let payer = Payer::of(&system, 3103);
    let payment = payer.begins("cabinet", 500).await?;
    let id = &payment.provider_payment_id;
    system.yookassa().pay(id)?;
    payer.stands(&payment, PaymentState::Credited).await?;
    let first = system.yookassa().refund(id, Some("200.00"))?;
    let second = system.yookassa().refund(id, Some("100.00"))?;
    for refund in [&first, &second, &first] {
        system.yookassa().notify_in_parallel(refund, 5).await?;
    }
    until("both refunds", async || Ok((payer.kopecks().await? == 200_00).then_some(()))).await?;
    let now = payer.refreshes(&payment).await?;
    assert_eq!(now.state(), PaymentState::Refunded);
    assert_eq!(now.refunds.len(), 2, "{:#?}", now.refunds);
    assert!(now.refunds.iter().all(|one| one.origin() == RefundOrigin::Provider));
    assert_eq!(payer.kopecks().await?, 200_00);
    assert_eq!(payer.topped_up().await?, system.yookassa().paid_less_refunded("RUB"));
    all_is_well(&system).await
}
