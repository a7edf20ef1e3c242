//! The same product on PostgreSQL.

use anyhow::Result;
use proto::billing::v1::OperationState;
use sandbox::fal::Failure;
use sandbox::system::{Service, System};
use test_postgres::TestDatabase;

use crate::person::{Person, count};

#[tokio::test]
async fn pictures_refunds_and_a_killed_billing_on_postgresql() -> Result<()> {
    let databases =
        [TestDatabase::new().await, TestDatabase::new().await, TestDatabase::new().await];
    let mut builder = System::builder();
    for (prefix, database) in ["BILLING", "GATEWAY", "WORKER"].into_iter().zip(&databases) {
        builder = builder.setting(&format!("{prefix}_DATABASE_URL"), database.url());
        builder = builder.setting(&format!("{prefix}_MIGRATE"), "auto");
    }
    let mut system = builder.start().await?;
    let person = Person::of(&system, 901);

    person.chat.send_text("первая");
    person.chat.sees_photos(1).await?;
    person.settled(1).await?;

    system.fal().fail_next(Failure::ContentRefused, 1);
    person.chat.send_text("вторая");
    person.told("средства возвращены").await?;
    person.settled(2).await?;

    system.fal().hold();
    person.chat.send_text("третья");
    system.fal().accepted(3).await;
    system.kill(Service::Billing).await?;
    system.kill(Service::Gateway).await?;
    system.fal().release();
    system.start(Service::Billing).await?;
    system.start(Service::Gateway).await?;
    person.chat.sees_photos(2).await?;

    let operations = person.settled(3).await?;
    assert_eq!(count(&operations, OperationState::Completed), 2);
    assert_eq!(count(&operations, OperationState::Refunded), 1);
    assert_eq!(person.has().await?.free_operations_left, 1);
    assert_eq!(person.photos(), 2);
    system.verify().await
}
