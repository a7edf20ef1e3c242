//! People pay, turn back, get money back and draw pictures, while services are killed at random moments and the provider
//! fails and repeats itself. In the end everybody has what they paid for, less what went back and what they spent.
//!
//! Always the same seed in CI; `CHAOS_SEED=7 cargo test -p sandbox --test system chaos_payments` tries another.

use std::time::Duration;

use anyhow::Result;
use proto::billing::v1::{OperationState, Payment, PaymentState};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sandbox::system::{Service, System};
use sandbox::yookassa::Failure;

use crate::payer::{Payer, all_is_well};
use crate::person::{count, until};

const SEED: u64 = 20_261_123;
const PAYERS: i64 = 4;
const ROUNDS: usize = 3;
const FAILURES: [Failure; 5] = [
    Failure::ServerError,
    Failure::ServerErrorAfter,
    Failure::TooManyRequests,
    Failure::DropAfter,
    Failure::Garbage,
];

/// What one person did with one payment, and what they must have of it in the end, in kopecks.
struct Story<'a> {
    payer: &'a Payer,
    payment: Payment,
    remains: i64,
    ends: PaymentState,
}

#[tokio::test]
async fn whatever_is_killed_each_payment_counts_once() -> Result<()> {
    let seed = std::env::var("CHAOS_SEED").map_or(Ok(SEED), |seed| seed.parse())?;
    let mut random = StdRng::seed_from_u64(seed);
    let builder = System::builder()
        .setting("BILLING_FREE_OPERATIONS", "0")
        .setting("BILLING_PAYMENT_CHECKS", "2s,4s,1h");
    let mut system = builder.start().await?;
    let payers: Vec<Payer> = (0..PAYERS).map(|id| Payer::of(&system, 4000 + id)).collect();
    let mut stories = Vec::new();

    for round in 0..ROUNDS {
        for payer in &payers {
            let request_id = format!("chaos-{round}-{}", payer.person.user_id());
            let payment = payer.begins(&request_id, 100).await?;
            stories.push(live(&system, payer, payment, &mut random)?);
        }
        let failure = FAILURES[random.random_range(0..FAILURES.len())];
        system.yookassa().fail_next(failure, random.random_range(1..6));
        for payer in &payers {
            payer.person.chat.send_text(&format!("картинка {round}"));
        }
        for _ in 0..2 {
            let victim =
                if random.random_range(0..3) == 0 { Service::Gateway } else { Service::Billing };
            // Not a wait for something: the moment of the kill is what varies.
            tokio::time::sleep(Duration::from_millis(random.random_range(0..600))).await;
            system.kill(victim).await?;
            system.start(victim).await?;
        }
    }
    system.yookassa().behave();

    for story in &stories {
        story.payer.stands(&story.payment, story.ends).await?;
    }
    for payer in &payers {
        let paid: i64 = stories
            .iter()
            .filter(|story| story.payer.person.user_id() == payer.person.user_id())
            .map(|story| story.remains)
            .sum();
        let operations = payer.person.settled(ROUNDS).await?;
        let completed = i64::try_from(count(&operations, OperationState::Completed))?;
        let expected = paid - completed * 10_00;
        until("the last refund", async || Ok((payer.kopecks().await? == expected).then_some(())))
            .await?;
    }
    let mut topped_up = 0;
    for payer in &payers {
        topped_up += payer.topped_up().await?;
    }
    assert_eq!(topped_up, system.yookassa().paid_less_refunded("RUB"), "as YooKassa sees it");
    all_is_well(&system).await
}

/// One of the things that happen to a payment.
fn live<'a>(
    system: &System,
    payer: &'a Payer,
    payment: Payment,
    random: &mut StdRng,
) -> Result<Story<'a>> {
    let shop = system.yookassa();
    let id = payment.provider_payment_id.clone();
    let (remains, ends) = match random.random_range(0..5) {
        0 => {
            shop.cancel(&id)?;
            (0, PaymentState::Canceled)
        }
        1 => {
            shop.cancel(&id)?;
            shop.pay_late(&id)?;
            (100_00, PaymentState::Credited)
        }
        2 => {
            shop.pay(&id)?;
            shop.refund(&id, Some("30.00"))?;
            (70_00, PaymentState::Refunded)
        }
        3 => {
            shop.drop_notifications(true);
            shop.pay(&id)?;
            shop.drop_notifications(false);
            (100_00, PaymentState::Credited)
        }
        _ => {
            shop.pay(&id)?;
            shop.notify_again(&id)?;
            shop.notify_again(&id)?;
            (100_00, PaymentState::Credited)
        }
    };
    Ok(Story { payer, payment, remains, ends })
}
