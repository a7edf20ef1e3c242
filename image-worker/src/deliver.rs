//! The end of a job, handed to the gateway. The same operation again sends nothing twice.

use std::time::Duration;

use proto::client::{CallError, DeliveryClient};
use proto::gateway::v1::deliver_result_request::Outcome;
use proto::gateway::v1::{
    DeliverResultRequest, DeliveryStatus, Failure, FailureReason, ReplyTo, Result as Pictures,
};
use tonic::Code;

use crate::jobs::{FailReason, Job};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// The user has it.
    Delivered,
    /// The user blocked the bot.
    Blocked,
    /// The gateway gave the operation up before and refunded it; it sent nothing now.
    GivenUp,
    /// Not now; perhaps after this pause.
    Later(Option<Duration>),
    /// The gateway can't, and says that asking again won't help.
    Refused,
}

/// The gateway, for one who has something to hand over. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Delivery(DeliveryClient);

impl Delivery {
    /// Hands over through this client.
    pub fn new(client: DeliveryClient) -> Self {
        Self(client)
    }

    /// Tells that the pictures are ready; the gateway fetches and sends them before it answers.
    pub async fn pictures(&self, job: &Job) -> Handed {
        let mime_types: Vec<String> =
            job.pictures.iter().map(|picture| picture.mime_type.clone()).collect();
        let count = i32::try_from(mime_types.len()).unwrap_or(i32::MAX);
        self.hand(job, Outcome::Result(Pictures { count, mime_types })).await
    }

    /// Tells why there is no picture. Only after the refund.
    pub async fn failure(&self, job: &Job, reason: FailReason) -> Handed {
        let reason = failure_reason(reason).into();
        self.hand(job, Outcome::Failure(Failure { reason })).await
    }

    async fn hand(&self, job: &Job, outcome: Outcome) -> Handed {
        let reply_to = &job.spec.reply_to;
        let request = DeliverResultRequest {
            operation_id: job.operation_id.clone(),
            reply_to: Some(ReplyTo {
                chat_id: reply_to.chat_id,
                message_id: reply_to.message_id,
                locale: reply_to.locale.clone(),
            }),
            outcome: Some(outcome),
        };
        match self.0.deliver_result(request).await {
            Ok(response) => match response.status() {
                DeliveryStatus::Delivered => Handed::Delivered,
                DeliveryStatus::RecipientBlocked => Handed::Blocked,
                DeliveryStatus::Unspecified => {
                    tracing::error!("the gateway's answer says nothing");
                    Handed::Later(None)
                }
            },
            Err(error) => sort(&error),
        }
    }
}

/// The same, on the wire.
pub fn failure_reason(reason: FailReason) -> FailureReason {
    match reason {
        FailReason::ContentRejected => FailureReason::ContentRejected,
        FailReason::BadInput => FailureReason::BadInput,
        FailReason::JobFailed | FailReason::Undeliverable => FailureReason::JobFailed,
        FailReason::TimedOut => FailureReason::TimedOut,
        FailReason::Canceled => FailureReason::Canceled,
    }
}

fn sort(error: &CallError) -> Handed {
    let reason = error.reason.as_str();
    match error.code {
        _ if reason == "OPERATION_REFUNDED" => Handed::GivenUp,
        _ if error.is_retryable() => {
            tracing::warn!(code = ?error.code, reason, "the gateway did not take it now");
            Handed::Later(error.retry_after)
        }
        Code::InvalidArgument | Code::FailedPrecondition | Code::Internal | Code::NotFound => {
            tracing::error!(code = ?error.code, reason, "the gateway can't deliver");
            Handed::Refused
        }
        code => {
            tracing::error!(
                ?code,
                reason,
                "the gateway refuses us: check GATEWAY_TOKEN and its role"
            );
            Handed::Later(error.retry_after)
        }
    }
}
