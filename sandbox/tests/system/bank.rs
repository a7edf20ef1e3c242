//! A third provider, the sandbox's own bank, goes the same way as the others; it alone tells how a dispute ends.

use anyhow::{Context, Result};
use proto::billing::v1::{
    CreatePaymentRequest, Payment, PaymentProvider, PaymentState, RefundState, Standing,
};
use proto::money;
use sandbox::system::System;

use crate::payer::{Payer, all_is_well};
use crate::person::until;

/// A payment of 100 rubles through the bank that was paid and credited, with the bank's id of it.
async fn credited(system: &System, payer: &Payer, request_id: &str) -> Result<(Payment, String)> {
    let request = CreatePaymentRequest {
        request_id: request_id.to_owned(),
        user_id: payer.person.user_id(),
        provider: PaymentProvider::Sandbox.into(),
        amount: Some(money::from_micros(100_000_000, "RUB")),
        ..CreatePaymentRequest::default()
    };
    let made = system.as_gateway().payments.create_payment(request).await?.payment;
    let payment = made.context("no payment in the answer")?;
    let id = system.bank().id_of(&payment.payment_id).context("the bank does not know it")?;
    assert_eq!(payment.provider_payment_id, id);
    system.bank().pay(&id)?;
    let payment = payer.stands(&payment, PaymentState::Credited).await?;
    Ok((payment, id))
}

#[tokio::test]
async fn what_the_bank_was_paid_is_credited_once_and_a_refund_reaches_the_balance() -> Result<()> {
    let system = System::builder().bank().start().await?;
    let payer = Payer::of(&system, 3901);
    let (payment, id) = credited(&system, &payer, "once").await?;
    assert_eq!(system.bank().notify_in_parallel(&id, 10).await?, [200; 10]);
    payer.refreshes(&payment).await?;
    assert_eq!(payer.kopecks().await?, 100_00);
    system.bank().refund(&id, Some("30.00"))?;
    payer.stands(&payment, PaymentState::Refunded).await?;
    assert_eq!(payer.kopecks().await?, 70_00);
    assert_eq!(system.bank().paid_less_refunded("RUB"), 70_000_000);
    all_is_well(&system).await
}

#[tokio::test]
async fn a_dispute_takes_the_money_and_only_a_won_one_gives_it_back() -> Result<()> {
    let system = System::builder().bank().start().await?;
    let payer = Payer::of(&system, 3902);
    for (request_id, won, state) in
        [("lost", false, RefundState::Succeeded), ("won", true, RefundState::Reversed)]
    {
        let (payment, id) = credited(&system, &payer, request_id).await?;
        // It is spent, so that the dispute makes a debt.
        system.billing().adjust(&payer.person.user_id(), -100_000_000).await?;
        system.bank().open_dispute(&id)?;
        payer.stands(&payment, PaymentState::Disputed).await?;
        assert_eq!(payer.kopecks().await?, -100_00);
        assert_eq!(payer.standing().await?, Standing::InDebt);
        system.bank().close_dispute(&id, won)?;
        let ended = until("the dispute to end", async || {
            let now = payer.payment(&payment).await?;
            Ok((now.state() != PaymentState::Disputed).then_some(now))
        });
        assert_eq!(ended.await?.refunds[0].state(), state);
        if !won {
            assert_eq!(payer.kopecks().await?, -100_00);
            system.billing().adjust(&payer.person.user_id(), 100_000_000).await?;
        }
        assert_eq!(payer.kopecks().await?, 0);
        assert_eq!(payer.standing().await?, Standing::Good);
    }
    all_is_well(&system).await
}
