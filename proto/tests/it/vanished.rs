//! A peer that is gone without a word.

use std::{net::SocketAddr, time::Duration};

use proto::client::{BillingClient, CallError, ClientConfig, EventClient};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};

use crate::{
    events::{Answer, Events, event, request},
    retries::charge,
    server::Billing,
};

/// Forwards the first connection until told to stop, then keeps it open and silent, as a network does whose other end
/// lost its power. Later connections work.
async fn network(listener: TcpListener, upstream: SocketAddr, vanish: oneshot::Receiver<()>) {
    let (mut first, _) = listener.accept().await.unwrap();
    let mut server = TcpStream::connect(upstream).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut first, &mut server) => panic!("the client left by itself"),
        _ = vanish => {}
    }
    loop {
        let (mut next, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(upstream).await.unwrap();
        tokio::spawn(async move { copy_bidirectional(&mut next, &mut server).await });
    }
}

#[tokio::test]
async fn is_left_for_a_new_connection_within_a_call() {
    let billing = Billing::default();
    let running = billing.start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (vanish, vanished) = oneshot::channel();
    let network = tokio::spawn(network(listener, running.address, vanished));

    let mut config = ClientConfig::new(url, None);
    // Longer than the whole call may take: only the pings can tell.
    config.deadline = Duration::from_secs(120);
    let client = BillingClient::new(&config).unwrap();
    client.charge(charge()).await.unwrap();
    vanish.send(()).unwrap();
    client.charge(charge()).await.unwrap();
    assert_eq!(billing.seen().len(), 2);
    network.abort();
}

#[tokio::test]
async fn ends_a_stream_of_events_which_is_then_opened_anew() {
    let ((tell, first), (again, second)) = (mpsc::channel(8), mpsc::channel(8));
    let server = Events::new([Answer::Stream(first), Answer::Stream(second)]);
    let running = server.start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (vanish, vanished) = oneshot::channel();
    let network = tokio::spawn(network(listener, running.address, vanished));

    let client = EventClient::new(&ClientConfig::new(url, None)).unwrap();
    let mut stream = client.watch_events(request()).await.unwrap();
    tell.send(Ok(event(8))).await.unwrap();
    assert_eq!(stream.message().await.unwrap(), Some(event(8)));
    vanish.send(()).unwrap();
    // The server goes on, and nothing of it arrives: only the pings can tell.
    tell.send(Ok(event(9))).await.unwrap();
    let error = CallError::from(stream.message().await.unwrap_err());
    assert!(error.is_retryable(), "{error}");

    let mut stream = client.watch_events(request()).await.unwrap();
    again.send(Ok(event(9))).await.unwrap();
    assert_eq!(stream.message().await.unwrap(), Some(event(9)));
    network.abort();
}
