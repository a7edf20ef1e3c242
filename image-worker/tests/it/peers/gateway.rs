//! The gateway's part.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use proto::client::ImagesClient;
use proto::gateway::v1::deliver_result_request::Outcome;
use proto::gateway::v1::delivery_service_server::{DeliveryService, DeliveryServiceServer};
use proto::gateway::v1::{
    DeliverResultRequest, DeliverResultResponse, DeliveryStatus, FailureReason,
};
use tokio::sync::watch;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

use super::refuse;
use crate::harness::listener;

/// What a user got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    Pictures(Vec<usize>),
    Failure(FailureReason),
}

/// The gateway's delivery: fetches, sends each operation's end once.
#[derive(Clone)]
pub struct Gateway {
    pub url: String,
    desk: Arc<Desk>,
}

#[derive(Default)]
struct Desk {
    images: Mutex<Option<ImagesClient>>,
    sent: Mutex<Vec<(String, Sent)>>,
    given_up: Mutex<Vec<String>>,
    away: AtomicBool,
    unable: AtomicBool,
    blocked: AtomicBool,
    /// How often the block was met.
    met: watch::Sender<usize>,
    /// What met the block waits here with its answer.
    hold: watch::Sender<bool>,
}

impl Gateway {
    pub async fn start() -> Self {
        let listener = listener().await;
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gateway = Self { url, desk: Arc::default() };
        let server = Server::builder().add_service(DeliveryServiceServer::new(gateway.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        gateway
    }

    pub fn fetch_from(&self, images: ImagesClient) {
        *self.desk.images.lock().unwrap() = Some(images);
    }

    /// All that was sent for an operation.
    pub fn sent(&self, operation_id: &str) -> Vec<Sent> {
        let sent = self.desk.sent.lock().unwrap();
        sent.iter().filter(|(id, _)| id == operation_id).map(|(_, what)| what.clone()).collect()
    }

    pub fn be_away(&self, away: bool) {
        self.desk.away.store(away, Ordering::SeqCst);
    }

    /// Telegram takes no picture of ours.
    pub fn be_unable(&self) {
        self.desk.unable.store(true, Ordering::SeqCst);
    }

    /// The user blocks the bot, or comes back.
    pub fn be_blocked(&self, blocked: bool) {
        self.desk.blocked.store(blocked, Ordering::SeqCst);
    }

    /// Whoever meets the block from now on hears of it only after [`Self::release`].
    pub fn hold(&self) {
        self.desk.hold.send_replace(true);
    }

    /// See [`Self::hold`].
    pub fn release(&self) {
        self.desk.hold.send_replace(false);
    }

    /// How often a delivery met the block.
    pub fn blocks_met(&self) -> usize {
        *self.desk.met.borrow()
    }

    /// Waits until that many deliveries have met the block.
    pub async fn met_blocks(&self, count: usize) {
        self.desk.met.subscribe().wait_for(|met| *met >= count).await.unwrap();
    }

    /// The gateway refunded this one itself.
    pub fn give_up(&self, operation_id: &str) {
        self.desk.given_up.lock().unwrap().push(operation_id.to_owned());
    }
}

#[tonic::async_trait]
impl DeliveryService for Gateway {
    async fn deliver_result(
        &self,
        request: Request<DeliverResultRequest>,
    ) -> Result<Response<DeliverResultResponse>, Status> {
        let request = request.into_inner();
        let id = request.operation_id;
        let answer = |status: DeliveryStatus| {
            Ok(Response::new(DeliverResultResponse { status: status.into() }))
        };
        if self.desk.away.load(Ordering::SeqCst) {
            return Err(refuse(Code::Unavailable, "OVERLOADED"));
        }
        if self.desk.given_up.lock().unwrap().contains(&id) {
            return Err(refuse(Code::FailedPrecondition, "OPERATION_REFUNDED"));
        }
        if self.desk.blocked.load(Ordering::SeqCst) {
            self.desk.met.send_modify(|met| *met += 1);
            self.desk.hold.subscribe().wait_for(|hold| !hold).await.unwrap();
            return answer(DeliveryStatus::RecipientBlocked);
        }
        if !self.sent(&id).is_empty() {
            return answer(DeliveryStatus::Delivered);
        }
        let sent = match request.outcome.unwrap() {
            Outcome::Failure(failure) => Sent::Failure(failure.reason()),
            Outcome::Result(_) if self.desk.unable.load(Ordering::SeqCst) => {
                return Err(refuse(Code::Internal, "INTERNAL"));
            }
            Outcome::Result(result) => {
                let images = self.desk.images.lock().unwrap().clone().unwrap();
                let mut sizes = Vec::new();
                for index in 0..result.count {
                    let picture = images.get_result(&id, index).await.unwrap();
                    assert_eq!(picture.mime_type, result.mime_types[sizes.len()]);
                    assert!(picture.bytes.starts_with(b"\x89PNG"));
                    sizes.push(picture.bytes.len());
                }
                Sent::Pictures(sizes)
            }
        };
        self.desk.sent.lock().unwrap().push((id, sent));
        answer(DeliveryStatus::Delivered)
    }
}
