//! What the database says that users have used of their limits.

use std::time::Duration;

use billing_svc::ledger::*;
use uuid::Uuid;

use crate::books::*;
use crate::harness::Database;

on_all!(a_day_is_what_was_charged_since_midnight, only_open_holds_of_those_asked_for_count);

/// 2027-01-15, 00:00 UTC.
const MIDNIGHT: Timestamp = Timestamp::from_micros(1_799_971_200_000_000);
const SECOND: Duration = Duration::from_secs(1);

const LIMITED: Policy = Policy {
    limits: UserLimits { open_holds: Some(100), daily_spend: Some(Amount::units(1000)) },
    ..POLICY
};

fn before(after: Duration) -> Timestamp {
    Timestamp::from_micros(MIDNIGHT.micros() - i64::try_from(after.as_micros()).unwrap())
}

/// A charge whose id was made at that time.
fn charge_at(payer: &UserId, request_id: &str, time: Timestamp) -> Command {
    let Command::Charge(charge) = charge(payer, request_id) else { unreachable!() };
    let (seconds, micros) = (time.micros() / 1_000_000, time.micros() % 1_000_000);
    let (seconds, nanos) = (seconds.try_into().unwrap(), u32::try_from(micros).unwrap() * 1000);
    let id = Uuid::new_v7(uuid::Timestamp::from_unix_time(seconds, nanos, 0, 0));
    Command::Charge(Charge { operation_id: OperationId(id), ..charge })
}

/// One batch at that time, as the committer runs it.
async fn run(books: &Books, batch: &[Command], now: Timestamp) -> Vec<Result<Outcome, Rejection>> {
    let transaction = books.store.begin().await.unwrap();
    let state = transaction.load(&needs(&LIMITED, batch), now).await.unwrap();
    let decision = decide(&LIMITED, state, batch, now);
    transaction.apply(&decision.changes).await.unwrap();
    transaction.commit().await.unwrap();
    decision.outcomes
}

/// What a charge of these would see.
async fn seen(books: &Books, users: &[&UserId], now: Timestamp) -> State {
    let charges: Vec<Command> = users.iter().map(|payer| charge(payer, "seen")).collect();
    let transaction = books.store.begin().await.unwrap();
    let state = transaction.load(&needs(&LIMITED, &charges), now).await.unwrap();
    transaction.roll_back().await.unwrap();
    state
}

async fn a_day_is_what_was_charged_since_midnight(database: Database) {
    let books = Books::open(&database).await;
    let [payer, other] = ["payer", "other"].map(user);
    for payer in [&payer, &other] {
        books.top_up(payer, 100).await;
    }
    let spent = async |now| {
        let state = seen(&books, &[&payer, &other], now).await;
        let of = |payer| state.spent_today.get(payer).copied().unwrap_or_default();
        (of(&payer), of(&other))
    };
    // One second before midnight; and one that waited in the queue while the day ended.
    let (last, first) = (before(SECOND), MIDNIGHT.plus(SECOND));
    run(&books, &[charge_at(&payer, "1", last)], last).await;
    assert_eq!(spent(last).await, (Amount::units(6), Amount::ZERO));
    assert_eq!(spent(MIDNIGHT).await, (Amount::ZERO, Amount::ZERO));
    let waited = run(&books, &[charge_at(&payer, "2", last)], first).await.remove(0);
    let declined = Charge {
        quantity: 100,
        ..match charge_at(&payer, "3", first) {
            Command::Charge(charge) => charge,
            _ => unreachable!(),
        }
    };
    let batch = [
        charge_at(&payer, "4", first),
        charge_at(&other, "5", first),
        charge_at(&other, "6", MIDNIGHT),
        Command::Charge(declined),
    ];
    let outcomes = run(&books, &batch, first).await;
    assert!(matches!(outcomes[3], Err(Rejection::InsufficientFunds { .. })));
    assert_eq!(spent(first).await, (Amount::units(12), Amount::units(12)));

    // Half of one comes back after it was done, and another one whole.
    let done = operation(waited);
    let half = Command::Refund {
        user_id: payer.clone(),
        operation_id: done.operation_id,
        reason: RefundReason::CustomerRequest,
        comment: String::new(),
        amount: Some(Amount::units(2)),
        right: RefundRight::Everything,
    };
    let whole = refund(&operation(outcomes[1].clone()));
    let ended = run(&books, &[complete(&done), half, whole], first).await;
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    assert_eq!(spent(first).await, (Amount::units(10), Amount::units(6)));
    let next_day = first.plus(Duration::from_secs(24 * 60 * 60));
    assert_eq!(spent(next_day).await, (Amount::ZERO, Amount::ZERO));
    books.prove().await;
}

async fn only_open_holds_of_those_asked_for_count(database: Database) {
    let books = Books::open(&database).await;
    let [payer, other, new] = ["payer", "other", "new"].map(user);
    books.top_up(&payer, 100).await;
    books.top_up(&other, 100).await;
    let held = [books.charge(&payer, "1").await, books.charge(&payer, "2").await];
    books.charge(&payer, "3").await;
    books.charge(&other, "4").await;
    let holds = async |users: &[&UserId]| seen(&books, users, now()).await.open_holds;
    assert_eq!(holds(&[&payer, &new]).await, [(payer.clone(), 3)].into());
    assert_eq!(holds(&[&payer, &other]).await, [(payer.clone(), 3), (other.clone(), 1)].into());
    books.ask(complete(&held[0])).await.unwrap().unwrap();
    books.ask(refund(&held[1])).await.unwrap().unwrap();
    assert_eq!(holds(&[&payer]).await, [(payer.clone(), 1)].into());
    books.prove().await;
}
