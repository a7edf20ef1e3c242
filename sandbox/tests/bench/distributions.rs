//! Which users are called.

use sandbox::bench::load::{Plan, Spread};

use crate::server::{Manner, Server};
use crate::{Running, charges};

/// How often each user was charged, of a thousand charges or a few more, and how many those were.
async fn drawn(spread: Spread) -> (Vec<usize>, usize) {
    let server = Server::start(Manner::Takes).await;
    let running = Running::start(&[&server.url], Plan { spread, ..charges() });
    server.until(|seen| seen.charges.len() >= 1000).await;
    running.stop().await;
    let seen = server.seen();
    let users = seen.users();
    let counts: Vec<_> = (0..100)
        .map(|n| users.get(format!("bench:{n}").as_str()).copied().unwrap_or_default())
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), seen.charges.len(), "nobody else was charged");
    (counts, seen.charges.len())
}

#[tokio::test]
async fn uniform_is_everybody_alike() {
    let (counts, all) = drawn(Spread::Uniform).await;
    // Each is expected ten times in a thousand. That one of a hundred is never drawn, or 40 times, is less likely than
    // one in a hundred and ten billion.
    assert!(counts.iter().filter(|&&count| count > 0).count() >= 95);
    assert!(counts.iter().all(|&count| count < all / 20), "{counts:?}");
}

#[tokio::test]
async fn zipf_has_a_heavy_head_and_a_tail() {
    let (counts, all) = drawn(Spread::Zipf).await;
    // Expected of a hundred users with the exponent 0.99: 19 % for the first, 9.6 % for the second, 57 % for the first ten.
    assert!(counts[0] > all / 8 && counts[0] < all / 4, "{counts:?}");
    assert!(counts[0] > counts[1] && counts[1] > counts[20], "{counts:?}");
    assert!(counts[..10].iter().sum::<usize>() > all / 2, "{counts:?}");
    assert!(counts[50..].iter().sum::<usize>() > all / 20, "{counts:?}");
}

#[tokio::test]
async fn one_is_the_first_user_alone() {
    let (counts, all) = drawn(Spread::One).await;
    assert_eq!(counts[0], all);
}
