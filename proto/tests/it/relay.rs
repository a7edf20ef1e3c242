//! A network between a client and a server that can be cut, or swallow everything.

use std::net::SocketAddr;

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

pub struct Relay {
    pub address: SocketAddr,
    upstream: SocketAddr,
    tasks: JoinSet<()>,
}

impl Relay {
    /// To a server, from a port of its own on `ip`.
    pub async fn start(ip: [u8; 4], upstream: SocketAddr) -> Self {
        let mut relay = Self { address: (ip, 0).into(), upstream, tasks: JoinSet::new() };
        relay.forward().await;
        relay
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes connections and hands on what is sent.
    pub async fn forward(&mut self) {
        let (listener, upstream) = (self.listen().await, self.upstream);
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut from, _) = listener.accept().await.unwrap();
                connections.spawn(async move {
                    let mut to = TcpStream::connect(upstream).await.unwrap();
                    // However it ends.
                    tokio::io::copy_bidirectional(&mut from, &mut to).await.ok();
                });
            }
        });
    }

    /// Nobody listens any more, and all connections are cut.
    pub async fn cut(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Connections are taken as before, and nothing comes back.
    pub async fn swallow(&mut self) {
        self.cut().await;
        let listener = self.listen().await;
        self.tasks.spawn(async move {
            let mut open = Vec::new();
            loop {
                open.push(listener.accept().await.unwrap());
            }
        });
    }

    async fn listen(&mut self) -> TcpListener {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        listener
    }
}
