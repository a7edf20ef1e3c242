//! What pays, and what happens when nothing can.

use anyhow::Result;
use proto::billing::v1::OperationState;
use sandbox::fal::Failure;
use sandbox::system::System;

use crate::person::{Person, count};

#[tokio::test]
async fn free_operations_go_first_then_money_and_then_the_bot_says_what_is_missing() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 601);
    person.top_up(15_50).await?;

    person.spend_free_operations().await?;
    assert_eq!(person.has().await?.free_operations_left, 0);
    assert_eq!(rubles(&person).await?, (15, 500_000_000), "free operations took no money");

    person.chat.send_text("за деньги");
    person.settled(4).await?;
    assert_eq!(rubles(&person).await?, (5, 500_000_000));

    person.chat.send_text("не хватит");
    person.told("Не хватает 4,50 ₽").await?;
    let operations = person.settled(5).await?;
    assert_eq!(operations[0].state(), OperationState::Declined);
    assert_eq!(operations[0].decline_reason, "INSUFFICIENT_FUNDS");
    assert_eq!(system.fal().submits().len(), 4, "nothing was asked of fal.ai");

    person.chat.send_text("/balance");
    person.told("Баланс: 5,50 ₽").await?;
    person.told("Бесплатных операций: 0 из 3").await?;
    person.chat.send_text("/history");
    person.told("отклонено").await?;
    system.verify().await
}

#[tokio::test]
async fn money_comes_back_to_where_it_came_from() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 602);
    person.top_up(10_00).await?;
    person.spend_free_operations().await?;

    system.fal().fail_next(Failure::BadInput, 1);
    person.chat.send_text("не выйдет");
    person.told("средства возвращены").await?;
    let operations = person.settled(4).await?;
    assert_eq!(count(&operations, OperationState::Refunded), 1);
    assert_eq!(rubles(&person).await?, (10, 0));

    person.chat.send_text("выйдет");
    let operations = person.settled(5).await?;
    assert_eq!(count(&operations, OperationState::Completed), 4);
    assert_eq!(rubles(&person).await?, (0, 0));
    system.verify().await
}

async fn rubles(person: &Person) -> Result<(i64, i32)> {
    let balance = person.has().await?.balance.unwrap_or_default();
    assert_eq!(balance.currency_code, "RUB");
    Ok((balance.units, balance.nanos))
}
