//! Requests go on while services are killed at random moments. Every operation still ends exactly once.
//!
//! Always the same seed in CI; `CHAOS_SEED=7 cargo test -p sandbox --test system chaos` tries another.

use std::time::Duration;

use anyhow::Result;
use proto::billing::v1::OperationState;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sandbox::fal::Failure;
use sandbox::system::{Service, System};

use crate::person::{Person, count};

const SEED: u64 = 20_261_123;
const PEOPLE: i64 = 4;
const PICTURES_EACH: usize = 3;
const KILLS: usize = 9;

#[tokio::test]
async fn whatever_is_killed_each_operation_ends_once() -> Result<()> {
    let seed = std::env::var("CHAOS_SEED").map_or(Ok(SEED), |seed| seed.parse())?;
    let mut random = StdRng::seed_from_u64(seed);
    let builder = System::builder().setting("WORKER_LOST_ATTEMPT_WAIT", "1s");
    let mut system = builder.start().await?;
    let people: Vec<Person> = (0..PEOPLE).map(|id| Person::of(&system, 2000 + id)).collect();
    system.telegram().deliver_twice(u32::MAX);
    system.fal().fail_next(Failure::ContentRefused, 2);

    for picture in 0..PICTURES_EACH {
        for person in &people {
            person.chat.send_text(&format!("картинка {picture} для {}", person.chat.id()));
        }
        for _ in 0..KILLS / PICTURES_EACH {
            let victim = Service::ALL[random.random_range(0..3)];
            // Not a wait for something: the moment of the kill is what varies.
            tokio::time::sleep(Duration::from_millis(random.random_range(0..700))).await;
            system.kill(victim).await?;
            system.start(victim).await?;
        }
    }

    for person in &people {
        let operations = person.settled(PICTURES_EACH).await?;
        let completed = count(&operations, OperationState::Completed);
        let refunded = count(&operations, OperationState::Refunded);
        assert_eq!(completed + refunded, PICTURES_EACH);
        if completed > 0 {
            person.chat.sees_photos(completed).await?;
        }
        assert_eq!(person.photos(), completed, "a picture for each that was paid, and none else");
        let left = person.has().await?.free_operations_left;
        assert_eq!(left, 3 - i64::try_from(completed)?, "what was refunded is back");
    }
    system.verify().await
}
