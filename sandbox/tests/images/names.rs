//! A static program has no libc to load modules from, and still finds names in /etc/hosts and by DNS.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

use crate::PATIENCE;
use crate::container::{Run, folder};
use sandbox::system::free_address;

/// A loopback address that no other name server is likely to have; resolv.conf knows no port but 53.
const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 53, 1);
const NAME: &str = "billing.kopilka.test";

/// The stand-ins call billing-svc at its name as soon as they run.
fn caller(port: u16) -> Run {
    let address = || free_address().unwrap();
    Run::of("sandbox")
        .arguments(&["stand-ins"])
        .env("SANDBOX_LISTEN", address())
        .env("SANDBOX_TELEGRAM_LISTEN", address())
        .env("SANDBOX_FAL_LISTEN", address())
        .env("SANDBOX_YOOKASSA_LISTEN", address())
        .env("BILLING_URL", format!("http://{NAME}:{port}"))
        .env("BILLING_TOKEN", "nobody-looks-at-it")
}

#[tokio::test]
#[ignore = "needs the images: make image-test"]
async fn a_name_in_the_hosts_file_is_found() {
    let billing = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let data = folder();
    let run = caller(billing.local_addr().unwrap().port()).data(data.path());
    let container = run.flag(format!("--add-host={NAME}:127.0.0.1")).start();
    let called = timeout(PATIENCE, billing.accept()).await;
    called.unwrap_or_else(|_| panic!("nobody called:\n{}", container.logs())).unwrap();
    assert_eq!(container.stop(), "0", "{}", container.logs());
}

#[tokio::test]
#[ignore = "needs the images: make image-test"]
async fn a_name_is_found_by_dns() {
    let server = UdpSocket::bind((NAME_SERVER, 53)).await.expect("a right to port 53");
    let answering = tokio::spawn(answer(server));
    let billing = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let data = folder();
    let run = caller(billing.local_addr().unwrap().port()).data(data.path());
    let container = run.flag(format!("--dns={NAME_SERVER}")).start();
    let called = timeout(PATIENCE, billing.accept()).await;
    called.unwrap_or_else(|_| panic!("nobody called:\n{}", container.logs())).unwrap();
    answering.abort();
}

/// Answers every question for [`NAME`] with 127.0.0.1, or with nothing when it is for another kind of address. Questions
/// for other names get no answer, so that a search list can't make this test pass.
async fn answer(server: UdpSocket) {
    const HEADER: usize = 12;
    const A: [u8; 2] = [0, 1];
    let mut wanted: Vec<u8> = Vec::new();
    for label in NAME.split('.') {
        wanted.push(label.len().try_into().unwrap());
        wanted.extend(label.bytes());
    }
    wanted.push(0);
    let mut buffer = [0; 512];
    loop {
        let (length, from): (usize, SocketAddr) = server.recv_from(&mut buffer).await.unwrap();
        let question = &buffer[HEADER..length];
        let Some(asked) = question.strip_prefix(wanted.as_slice()) else { continue };
        let is_a = asked.starts_with(&A);
        // The question's id; an answer without error; one question, this many answers, nothing else.
        let mut reply = [&buffer[..2], &[0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]].concat();
        reply.extend_from_slice(&question[..wanted.len() + 4]);
        if is_a {
            // The name in the question; A, IN; for a minute; 127.0.0.1.
            reply.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        server.send_to(&reply, from).await.unwrap();
    }
}
