//! Calls go to all addresses of a service that work, and none fails while one of them does.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use proto::client::{BillingClient, CallError, ClientConfig};
use tokio::{sync::watch, task::JoinSet};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{
    relay::Relay,
    retries::charge,
    server::{Answer, Billing, Running},
};

fn client(urls: &[String]) -> BillingClient {
    BillingClient::new(&ClientConfig::new(urls.join(","), None)).unwrap()
}

async fn calls(client: &BillingClient, count: usize) {
    for _ in 0..count {
        client.charge(charge()).await.unwrap();
    }
}

/// Calls one after the other until `enough`.
async fn calls_until(client: &BillingClient, enough: impl Fn() -> bool) {
    let many = async {
        while !enough() {
            calls(client, 1).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), many).await.unwrap();
}

/// 64 calls at any time, until it is asked how they went.
struct Load {
    workers: JoinSet<Result<(), CallError>>,
    over: Arc<AtomicBool>,
    done: watch::Sender<usize>,
}

impl Load {
    fn start(client: &BillingClient) -> Self {
        let (over, done) = (Arc::new(AtomicBool::default()), watch::Sender::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..64 {
            let (client, over, done) = (client.clone(), over.clone(), done.clone());
            workers.spawn(async move {
                while !over.load(Relaxed) {
                    client.charge(charge()).await?;
                    done.send_modify(|done| *done += 1);
                }
                Ok(())
            });
        }
        Self { workers, over, done }
    }

    /// Waits for that many further calls.
    async fn go_on(&self, calls: usize) {
        let enough = *self.done.borrow() + calls;
        let mut done = self.done.subscribe();
        let done = done.wait_for(|done| *done >= enough);
        tokio::time::timeout(Duration::from_secs(30), done).await.unwrap().unwrap();
    }

    async fn none_failed(self) {
        self.over.store(true, Relaxed);
        for ended in self.workers.join_all().await {
            ended.unwrap();
        }
    }
}

#[tokio::test]
async fn calls_take_turns() {
    let (one, two) = (Billing::default(), Billing::default());
    let (at_one, at_two) = (one.start().await, two.start_at(([127, 0, 0, 2], 0).into()).await);
    calls(&client(&[at_one.url(), at_two.url()]), 40).await;
    assert_eq!((one.seen().len(), two.seen().len()), (20, 20));
}

#[tokio::test]
async fn a_name_is_all_its_addresses_and_one_that_nobody_serves_does_no_harm() {
    let billing = Billing::default();
    let running = billing.start().await;
    // On most machines ::1 as well, where nobody listens.
    calls(&client(&[format!("http://localhost:{}", running.address.port())]), 5).await;
    assert_eq!(billing.seen().len(), 5);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_and_looked_up_again() {
    // Longer than a name can be: nobody needs to be asked.
    let name = "b".repeat(64);
    let nobody = format!("http://{name}:50051");
    let error = client(std::slice::from_ref(&nobody)).charge(charge()).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
    assert!(error.message.contains(&name), "{error}");

    // One URL that leads nowhere does not stop the other.
    let billing = Billing::default();
    let running = billing.start().await;
    calls(&client(&[nobody, running.url()]), 3).await;
}

#[tokio::test]
async fn no_call_fails_when_a_server_is_killed_and_it_is_used_again_when_it_is_back() {
    let (one, two) = (Billing::slow(), Billing::slow());
    let (at_one, at_two) = (one.start().await, two.start().await);
    let mut relay = Relay::start([127, 0, 0, 2], at_one.address).await;
    let client = client(&[relay.url(), at_two.url()]);
    let load = Load::start(&client);
    load.go_on(500).await;

    relay.cut().await;
    let reached = one.seen().len();
    load.go_on(500).await;
    assert_eq!(one.seen().len(), reached);

    relay.forward().await;
    calls_until(&client, || one.seen().len() > reached + 100).await;
    load.none_failed().await;
}

#[tokio::test]
async fn a_server_that_never_answers_is_left() {
    let (one, two) = (Billing::default(), Billing::default());
    let (at_one, at_two) = (one.start().await, two.start().await);
    let mut relay = Relay::start([127, 0, 0, 2], at_one.address).await;
    let mut config = ClientConfig::new([relay.url(), at_two.url()].join(","), None);
    config.deadline = Duration::from_millis(500);
    let client = BillingClient::new(&config).unwrap();
    calls(&client, 4).await;
    assert_eq!(one.seen().len(), 2);

    relay.swallow().await;
    calls(&client, 20).await;
    assert_eq!((one.seen().len(), two.seen().len()), (2, 22));

    relay.cut().await;
    relay.forward().await;
    calls_until(&client, || one.seen().len() > 10).await;
}

#[tokio::test]
async fn a_server_that_says_it_is_overloaded_is_not_left_out_but_the_retry_goes_elsewhere() {
    let details = ErrorDetails::with_error_info("OVERLOADED", "billing.kopilka", HashMap::new());
    let overloaded = Status::with_error_details(Code::Unavailable, "too many", details);
    let one = Billing::new((0..50).map(|_| Answer::Refused(overloaded.clone())));
    let two = Billing::default();
    let (at_one, at_two) = (one.start().await, two.start().await);
    calls(&client(&[at_one.url(), at_two.url()]), 10).await;
    assert_eq!(two.seen().len(), 10);
    // The first of all may have begun with the other.
    assert!(one.seen().len() >= 9, "{}", one.seen().len());
}

#[tokio::test]
async fn a_proxy_that_reaches_nobody_is_left_out() {
    let one = Billing::new((0..50).map(|_| Answer::Refused(Status::unavailable("no upstream"))));
    let two = Billing::default();
    let (at_one, at_two) = (one.start().await, two.start().await);
    calls(&client(&[at_one.url(), at_two.url()]), 10).await;
    assert_eq!(two.seen().len(), 10);
    assert!(one.seen().len() <= 4, "{}", one.seen().len());
}

#[tokio::test]
async fn no_call_fails_while_servers_are_replaced_one_after_the_other() {
    let billing = Billing::slow();
    let start = async |address: SocketAddr| billing.start_at(address).await;
    let mut servers =
        vec![start(([127, 0, 0, 1], 0).into()).await, start(([127, 0, 0, 2], 0).into()).await];
    let urls: Vec<_> = servers.iter().map(Running::url).collect();
    let load = Load::start(&client(&urls));
    load.go_on(300).await;
    for _ in 0..4 {
        // It takes no further connection, says GOAWAY, and ends what is under way.
        let old = servers.remove(0);
        let address = old.address;
        drop(old);
        load.go_on(300).await;
        servers.push(start(address).await);
        load.go_on(300).await;
    }
    load.none_failed().await;
}

#[tokio::test]
async fn no_call_fails_while_the_only_server_sends_its_connections_away() {
    let billing = Billing::slow();
    let router = tonic::transport::Server::builder()
        .max_connection_age(Duration::from_millis(200))
        .add_service(billing.service());
    let running = Running::start(router).await;
    let load = Load::start(&client(&[running.url()]));
    load.go_on(3000).await;
    load.none_failed().await;
}

#[tokio::test]
async fn a_failure_says_where_it_was_and_why() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(&[format!("http://{address}")]).charge(charge()).await.unwrap_err();
    let expected = format!("Unavailable: {address}: Connection refused (os error 111)");
    assert_eq!(error.to_string(), expected);
}
