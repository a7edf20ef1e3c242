//! SIGKILL of billing where money comes in, two instances at once, and a burst.

use anyhow::Result;
use proto::billing::v1::PaymentState;
use sandbox::system::{Service, System};
use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use test_postgres::TestDatabase;

use crate::payer::{Payer, all_is_well};
use crate::person::until;

#[tokio::test]
async fn billing_killed_between_the_webhook_and_the_credit() -> Result<()> {
    let mut system = System::builder().start().await?;
    let payer = Payer::of(&system, 3201);
    let payment = payer.begins("killed", 300).await?;
    let id = &payment.provider_payment_id;
    // The notification is taken while the API hangs: it is kept, and nothing is credited yet.
    system.yookassa().fail_call(
        sandbox::yookassa::Call::GetPayment,
        sandbox::yookassa::Failure::Hang,
        u32::MAX,
    );
    system.yookassa().pay(id)?;
    system.yookassa().all_taken().await;
    assert_eq!(payer.kopecks().await?, 0);
    system.kill(Service::Billing).await?;
    system.yookassa().behave();
    system.yookassa().drop_notifications(true);
    system.start(Service::Billing).await?;
    payer.stands(&payment, PaymentState::Credited).await?;
    assert_eq!(payer.kopecks().await?, 300_00);
    all_is_well(&system).await
}

#[tokio::test]
async fn billing_killed_between_paid_and_credited() -> Result<()> {
    let database = TestDatabase::new().await;
    let mut system = on_postgres(&database).await?;
    let payer = Payer::of(&system, 3202);
    let payment = payer.begins("killed", 300).await?;

    // Nobody can write an entry: PAID can be stored, CREDITED can't.
    let beside = Database::connect(database.url()).await?;
    let lock = beside.begin().await?;
    lock.execute_unprepared("LOCK TABLE entries IN SHARE MODE").await?;
    system.yookassa().pay(&payment.provider_payment_id)?;
    payer.stands(&payment, PaymentState::Paid).await?;
    system.kill(Service::Billing).await?;
    lock.rollback().await?;
    system.yookassa().all_taken().await;
    system.yookassa().drop_notifications(true);
    system.start(Service::Billing).await?;
    payer.stands(&payment, PaymentState::Credited).await?;
    assert_eq!(payer.kopecks().await?, 300_00);
    all_is_well(&system).await
}

#[tokio::test]
async fn two_instances_get_the_same_notification_at_the_same_moment() -> Result<()> {
    let database = TestDatabase::new().await;
    let system = on_postgres(&database).await?;
    let second = system.start_another(Service::Billing).await?;
    let payer = Payer::of(&system, 3203);
    system.yookassa().drop_notifications(true);
    for round in 0..5 {
        let payment = payer.begins(&format!("both-{round}"), 100).await?;
        let id = &payment.provider_payment_id;
        system.yookassa().pay(id)?;
        let body = system.yookassa().notification_of(id).unwrap_or_default().to_string();
        let notify = |gateway: &sandbox::system::AsGateway| {
            let payments = gateway.payments.clone();
            let request = proto::billing::v1::SubmitProviderNotificationRequest {
                provider: proto::billing::v1::PaymentProvider::Yookassa.into(),
                body: body.clone().into(),
                source_ip: "127.0.0.1".to_owned(),
                ..Default::default()
            };
            async move { payments.submit_provider_notification(request).await }
        };
        let (one, other) = tokio::join!(notify(system.as_gateway()), notify(second.as_gateway()));
        one?;
        other?;
        payer.stands(&payment, PaymentState::Credited).await?;
    }
    until("nothing more to come", async || Ok((payer.kopecks().await? == 500_00).then_some(())))
        .await?;
    second.stop().await?;
    all_is_well(&system).await
}

#[tokio::test]
async fn a_burst_of_a_thousand_notifications_credits_each_payment_once() -> Result<()> {
    let system = System::builder().start().await?;
    let payers: Vec<Payer> = (0..10).map(|id| Payer::of(&system, 3300 + id)).collect();
    system.yookassa().hold_notifications();
    let mut payments = Vec::new();
    for payer in &payers {
        let payment = payer.begins(&format!("burst-{}", payer.person.user_id()), 100).await?;
        system.yookassa().pay(&payment.provider_payment_id)?;
        payments.push(payment);
    }
    system.yookassa().drop_notifications(true);
    let sent = payments
        .iter()
        .map(|payment| system.yookassa().notify_in_parallel(&payment.provider_payment_id, 100));
    let statuses = futures::future::try_join_all(sent).await?.concat();
    assert_eq!(statuses.len(), 1000);
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    assert!(taken > 0);
    for (payer, payment) in payers.iter().zip(&payments) {
        payer.stands(payment, PaymentState::Credited).await?;
        assert_eq!(payer.kopecks().await?, 100_00);
    }
    all_is_well(&system).await
}

/// A system whose billing-svc is on PostgreSQL.
async fn on_postgres(database: &TestDatabase) -> Result<System> {
    let builder = System::builder()
        .setting("BILLING_DATABASE_URL", database.url())
        .setting("BILLING_MIGRATE", "auto");
    builder.start().await
}
