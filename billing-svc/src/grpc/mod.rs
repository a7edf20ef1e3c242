//! The gRPC edge: message → checked command → committer → message. Thin: no rule of money is here.
//!
//! A call goes: `Call::open` (who calls, until when) → `from_wire` (each field checked once, in the proto's order) →
//! the committer, the reader, or a read of the store → `to_wire`. Whatever goes wrong is a `Refusal` until `status.rs`,
//! and only `status.rs`, makes a `tonic::Status` of it. One file for each RPC, all of the same shape.
//!
//! An RPC's future owns no transaction: tonic drops it when the client's deadline passes, and the committer goes on.

mod admin;
mod billing;
mod call;
mod event;
mod from_wire;
mod limits;
mod pages;
mod payment;
mod promotion;
mod refusal;
pub mod roles;
mod rules;
pub mod status;
mod to_wire;

use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use prost::Message;
use prost_types::FileDescriptorSet;
use proto::billing::v1;
use proto::billing::v1::admin_service_server::AdminServiceServer;
use proto::billing::v1::billing_service_server::BillingServiceServer;
use proto::billing::v1::event_service_server::EventServiceServer;
use proto::billing::v1::payment_service_server::PaymentServiceServer;
use proto::billing::v1::promotion_service_server::PromotionServiceServer;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Response, Status};

use crate::committer::Committer;
use crate::ledger::{
    Command, OperationId, Outcome, Payment, PaymentId, PaymentState, Policy, Rejection, Timestamp,
    UserId,
};
use crate::payments::Payments;
use crate::reader::Reader;
use crate::store::Store;

use call::Call;
use event::MAX_WATCHERS;
use promotion::Attempts;
use refusal::Refusal;

pub use limits::{Limits, Rate};

/// What every RPC needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Edge {
    /// For reads.
    pub store: Store,
    /// For what many read at once.
    pub reader: Reader,
    /// For writes.
    pub committer: Committer,
    /// For what asks a payment provider.
    pub payments: Payments,
    /// For what an unknown user would have.
    pub policy: Arc<Policy>,
    /// Of all amounts, ISO 4217.
    pub currency: Arc<str>,
    /// Cancelled when the server takes no more calls: streams end then.
    draining: CancellationToken,
    /// Places for watchers.
    watchers: Arc<Semaphore>,
    /// Who has tried how many wrong codes.
    attempts: Attempts,
    /// How often users are charged and begin to pay.
    user_rate: Rate<UserId>,
    /// The largest message that is read.
    max_message_bytes: usize,
}

/// What stands behind the edge.
#[derive(Debug)]
pub struct Inside {
    /// See [`Edge::store`].
    pub store: Store,
    /// See [`Edge::reader`].
    pub reader: Reader,
    /// See [`Edge::committer`].
    pub committer: Committer,
    /// See [`Edge::payments`].
    pub payments: Payments,
}

impl Edge {
    /// On what is inside; its streams end when `draining` is cancelled.
    pub fn new(
        Inside { store, reader, committer, payments }: Inside,
        policy: Arc<Policy>,
        currency: Arc<str>,
        draining: CancellationToken,
        limits: &Limits,
    ) -> Self {
        Self {
            store,
            reader,
            committer,
            payments,
            policy,
            currency,
            draining,
            watchers: Arc::new(Semaphore::new(MAX_WATCHERS)),
            attempts: Attempts::default(),
            user_rate: Rate::new(limits.user_rate),
            max_message_bytes: limits.max_message_bytes,
        }
    }

    /// Adds our services to the routes.
    pub fn add_to(self, routes: Routes) -> Routes {
        let max = self.max_message_bytes;
        let billing = BillingServiceServer::new(self.clone());
        let payment = PaymentServiceServer::new(self.clone());
        let promotion = PromotionServiceServer::new(self.clone());
        let event = EventServiceServer::new(self.clone());
        let admin = AdminServiceServer::new(self);
        routes
            .add_service(billing.max_decoding_message_size(max))
            .add_service(payment.max_decoding_message_size(max))
            .add_service(promotion.max_decoding_message_size(max))
            .add_service(event.max_decoding_message_size(max))
            .add_service(admin.max_decoding_message_size(max))
    }

    /// Counts a request of this user, or refuses it: too many within a second.
    fn admit(&self, user_id: &UserId) -> Result<(), Refusal> {
        let refused = |retry_after| Refusal::Limit { limit: "user_rate", retry_after };
        self.user_rate.take(user_id).map_err(refused)
    }

    /// Hands a command to the committer and waits, no longer than the caller does.
    async fn obey(&self, command: Command, call: &Call) -> Result<Outcome, Refusal> {
        let outcome = self.committer.submit(command, call.deadline).await;
        outcome.map_err(Refusal::Submit)?.map_err(Refusal::Rule)
    }

    /// Whose operation it is: commands about an operation name its user.
    async fn owner(&self, id: OperationId, call: &Call) -> Result<UserId, Refusal> {
        self.reader.owner(id, call.deadline).await?.ok_or(Refusal::OperationNotFound)
    }

    /// One payment.
    async fn payment(&self, id: PaymentId) -> Result<Payment, Refusal> {
        let found = self.store.payment(id).await?;
        found.ok_or(Refusal::Rule(Rejection::PaymentNotFound))
    }

    /// A payment as lists show it. Only what was refunded or disputed has refunds that took something, so that a list
    /// rarely reads more than its own rows.
    async fn listed(&self, payment: Payment) -> Result<v1::Payment, Refusal> {
        let refunds = match payment.state {
            PaymentState::Refunded | PaymentState::Disputed => {
                self.store.refunds_of(&payment.user_id, payment.payment_id).await?
            }
            PaymentState::Created
            | PaymentState::Pending
            | PaymentState::Paid
            | PaymentState::Credited
            | PaymentState::Canceled
            | PaymentState::Expired => Vec::new(),
        };
        Ok(to_wire::payment(payment, &refunds, &self.currency))
    }

    fn answer<T>(&self, result: Result<T, Refusal>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|refusal| refusal.into_status(&self.currency))
    }
}

/// Descriptors for reflection: of what this program serves, without the other services' packages, and of the details
/// that its errors carry, so that a tool can show them.
pub fn descriptors() -> &'static [u8] {
    static OURS: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut ours = FileDescriptorSet::default();
        for set in [proto::FILE_DESCRIPTOR_SET, tonic_types::pb::FILE_DESCRIPTOR_SET] {
            // Bytes made by our own build; what can't be read there is missed by reflection's tests.
            let files = FileDescriptorSet::decode(set).unwrap_or_default().file;
            for file in files {
                let others = matches!(file.package(), "gateway.v1" | "images.v1");
                let twice = ours.file.iter().any(|earlier| earlier.name() == file.name());
                if !others && !twice {
                    ours.file.push(file);
                }
            }
        }
        ours.encode_to_vec()
    });
    &OURS
}

fn now() -> Timestamp {
    Timestamp::from_micros(service_kit::time::to_micros(SystemTime::now()))
}
