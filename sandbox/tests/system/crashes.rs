//! SIGKILL at every point that matters; what was charged ends once all the same.

use anyhow::Result;
use proto::billing::v1::{OperationState, PaymentState, RefundReason};
use sandbox::fal::Failure;
use sandbox::system::{Service, System};

use crate::payer::Payer;
use crate::person::{Person, png, until};

#[tokio::test]
async fn a_worker_killed_after_its_submit_asks_for_that_very_result() -> Result<()> {
    let mut system = System::builder().start().await?;
    let person = Person::of(&system, 801);
    system.fal().hold();
    person.chat.send_text("переживу");
    system.fal().polled().await; // the worker knows fal's request_id
    system.kill(Service::Worker).await?;
    system.fal().release();
    system.start(Service::Worker).await?;

    person.chat.sees_photos(1).await?;
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    assert_eq!(system.fal().submits_of("переживу"), 1, "one request to fal.ai");
    assert_eq!(person.photos(), 1);
    system.verify().await
}

#[tokio::test]
async fn a_submit_whose_answer_was_lost_is_paid_by_the_house() -> Result<()> {
    let builder = System::builder().setting("WORKER_LOST_ATTEMPT_WAIT", "1s");
    let system = builder.start().await?;
    let person = Person::of(&system, 802);
    system.fal().fail_next(Failure::DropConnection, 1);
    person.chat.send_text("ответ потерян");
    person.chat.sees_photos(1).await?;
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    assert_eq!(system.fal().submits_of("ответ потерян"), 2, "submitted once more");
    assert_eq!(person.has().await?.free_operations_left, 2, "charged once");
    assert_eq!(person.photos(), 1);
    system.verify().await
}

#[tokio::test]
async fn a_gateway_killed_between_charge_and_hand_over_finishes_the_same_operation() -> Result<()> {
    for builder in [System::builder(), System::builder().webhook()] {
        let mut system = builder.start().await?;
        let person = Person::of(&system, 803);
        system.kill(Service::Worker).await?; // nobody takes the job
        person.chat.send_text("между двух вызовов");
        let charged = person.charged().await?;
        system.kill(Service::Gateway).await?;
        system.start(Service::Worker).await?;
        system.start(Service::Gateway).await?;

        let operations = person.settled(1).await?;
        person.chat.sees_photos(1).await?;
        assert_eq!(operations[0].operation_id, charged.operation_id, "the same operation");
        assert_eq!(operations[0].state(), OperationState::Completed);
        assert_eq!(system.fal().submits().len(), 1);
        system.verify().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_never_comes_back_leaves_a_hold_that_ends() -> Result<()> {
    let mut system = System::builder().setting("BILLING_HOLD", "1m").start().await?;
    let person = Person::of(&system, 804);
    system.kill(Service::Worker).await?;
    person.chat.send_text("и никто не пришёл");
    let charged = person.charged().await?;
    system.kill(Service::Gateway).await?;

    let operations = person.settled(1).await?; // in a minute: the shortest hold
    assert_eq!(operations[0].operation_id, charged.operation_id);
    assert_eq!(operations[0].state(), OperationState::Refunded);
    assert_eq!(operations[0].refund_reason(), RefundReason::Expired);
    assert_eq!(person.has().await?.free_operations_left, 3, "everything is back");

    system.start(Service::Worker).await?;
    system.start(Service::Gateway).await?;
    person.told("средства возвращены").await?;
    assert_eq!(person.photos(), 0);
    assert!(
        system.fal().submits().is_empty(),
        "nothing is made for an operation that was refunded"
    );
    system.verify().await
}

#[tokio::test]
async fn a_worker_that_is_down_costs_the_user_nothing() -> Result<()> {
    let mut system = System::builder().start().await?;
    let person = Person::of(&system, 805);
    system.kill(Service::Worker).await?;
    person.chat.send_text("некому рисовать");
    person.told("средства возвращены").await?;
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Refunded);
    assert_eq!(person.has().await?.free_operations_left, 3);
    system.start(Service::Worker).await?;
    person.chat.send_text("теперь есть кому");
    person.chat.sees_photos(1).await?;
    person.settled(2).await?;
    system.verify().await
}

#[tokio::test]
async fn billing_killed_during_a_job_is_waited_for() -> Result<()> {
    let mut system = System::builder().start().await?;
    let person = Person::of(&system, 806);
    system.fal().hold();
    person.chat.send_text("касса упала");
    system.fal().polled().await;
    system.kill(Service::Billing).await?;
    system.fal().release();
    system.start(Service::Billing).await?;
    person.chat.sees_photos(1).await?;
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    assert_eq!(person.photos(), 1);
    system.verify().await
}

#[tokio::test]
async fn sigterm_during_a_job_loses_nothing() -> Result<()> {
    let mut system = System::builder().start().await?;
    let person = Person::of(&system, 807);
    system.fal().hold();
    person.chat.send_text("вежливая остановка");
    system.fal().polled().await;
    for service in Service::ALL.into_iter().rev() {
        system.stop(service).await?;
    }
    system.fal().release();
    for service in Service::ALL {
        system.start(service).await?;
    }
    person.chat.sees_photos(1).await?;
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    assert_eq!(system.fal().submits().len(), 1);
    assert_eq!(person.photos(), 1);
    system.verify().await
}

#[tokio::test]
async fn secrets_never_reach_the_logs() -> Result<()> {
    use secrecy::ExposeSecret;
    let system = System::builder().setting("RUST_LOG", "debug").start().await?;
    let person = Person::of(&system, 808);
    person.chat.send_text("/menu");
    let menu = person.told("Что сделаем").await?.id;
    person.chat.press_on(menu, "edit")?;
    person.told("Пришлите фото и напишите").await?;
    system.fal().fail_next(Failure::ServerError, 1);
    system.telegram().fail_method("getFile", sandbox::telegram::Failure::BadGateway, 1);
    person.chat.send_photo(&png(7), Some("тайное слово"))?;
    person.settled(1).await?;
    let payer = Payer::of(&system, 808);
    system.yookassa().fail_next(sandbox::yookassa::Failure::ServerErrorAfter, 1);
    let payment = payer.begins("logged", 100).await?;
    system.yookassa().fail_next(sandbox::yookassa::Failure::Garbage, 2);
    system.yookassa().pay(&payment.provider_payment_id)?;
    payer.stands(&payment, PaymentState::Credited).await?;
    system.telegram().fail_method("getStarTransactions", sandbox::telegram::Failure::BadGateway, 1);
    let asked =
        async || Ok((!system.telegram().calls_of("getStarTransactions").is_empty()).then_some(()));
    until("the list of Stars to be asked for", asked).await?;
    let telegram = system.telegram().token();
    let fal = system.fal().key();
    let shop = system.yookassa().secret_key();
    let callers =
        std::fs::read_to_string(system.processes().folder().join("gateway-callers.toml"))?;
    let hash = callers.split('"').find(|part| part.len() == 64).unwrap_or_default();
    assert_eq!(hash.len(), 64, "{callers}");
    for service in Service::ALL {
        let log =
            system.processes().folder().join("logs").join(format!("{}.log", service.program()));
        let logged = std::fs::read_to_string(log)?;
        assert!(!logged.is_empty(), "{service:?} logs");
        for secret in [
            telegram.expose_secret(),
            fal.expose_secret(),
            shop.expose_secret(),
            hash,
            "тайное слово",
            "earer ",
            "Basic ",
        ] {
            assert!(!logged.contains(secret), "{service:?} logged {secret}");
        }
    }
    system.verify().await
}
