//! `gateway.v1.DeliveryService`: message ↔ [`Order`], and the only place that makes a status.

use std::time::Duration;

use proto::gateway::v1::{
    DeliverResultRequest, DeliverResultResponse, DeliveryStatus, FailureReason,
    deliver_result_request, delivery_service_server::DeliveryService,
};
use service_kit::grpc::Refusal;
use tokio_util::task::TaskTracker;
use tonic::{Code, Request, Response, Status};
use tracing::Instrument;
use uuid::Uuid;

use super::{Delivered, Delivery, DeliveryError, Order, Outcome};

/// Of every error's `ErrorInfo`.
pub const DOMAIN: &str = "gateway.kopilka";
/// The reasons of errors that no enum of the contract names, for metrics.
pub const REASONS: &[&str] = &[UNREACHABLE, UNAVAILABLE];
const UNREACHABLE: &str = "RECIPIENT_UNREACHABLE";
const UNAVAILABLE: &str = "RESULT_UNAVAILABLE";

/// What callers are asked to wait when Telegram said nothing about it.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Pictures per result.
const COUNT: std::ops::RangeInclusive<i32> = 1..=10;

/// The service.
pub struct DeliveryGrpc {
    delivery: Delivery,
    /// Deliveries outlive the call that asked for them: tonic drops a call whose deadline has passed.
    running: TaskTracker,
}

impl DeliveryGrpc {
    /// Runs deliveries on `running`, which the owner waits for.
    pub fn new(delivery: Delivery, running: TaskTracker) -> Self {
        DeliveryGrpc { delivery, running }
    }
}

#[tonic::async_trait]
impl DeliveryService for DeliveryGrpc {
    async fn deliver_result(
        &self,
        request: Request<DeliverResultRequest>,
    ) -> Result<Response<DeliverResultResponse>, Status> {
        let order = order(request.into_inner())?;
        let delivery = self.delivery.clone();
        let running = async move { delivery.deliver(&order).await };
        let running = self.running.spawn(running.in_current_span());
        let delivered = match running.await {
            Ok(delivered) => delivered.map_err(|error| refusal(&error))?,
            Err(error) => {
                tracing::error!(%error, "a delivery panicked");
                return Err(refuse(Code::Internal, "INTERNAL", "a defect of the gateway").into());
            }
        };
        let status = match delivered {
            Delivered::Delivered => DeliveryStatus::Delivered,
            Delivered::RecipientBlocked => DeliveryStatus::RecipientBlocked,
        };
        Ok(Response::new(DeliverResultResponse { status: status.into() }))
    }
}

fn invalid(field: &'static str, takes: &'static str) -> Refusal {
    refuse(Code::InvalidArgument, "INVALID_FIELD", &format!("{field}: {takes}"))
        .metadata("field", field)
        .bad_field(field, takes)
}

fn order(request: DeliverResultRequest) -> Result<Order, Refusal> {
    let canonical = Uuid::parse_str(&request.operation_id).map(|id| id.to_string());
    if canonical.as_deref() != Ok(request.operation_id.as_str()) {
        return Err(invalid("operation_id", "a UUID, lower case with hyphens"));
    }
    let Some(reply_to) = request.reply_to else { return Err(invalid("reply_to", "required")) };
    if reply_to.chat_id == 0 {
        return Err(invalid("reply_to.chat_id", "not zero"));
    }
    let message_id = match i32::try_from(reply_to.message_id) {
        Ok(0) => None,
        Ok(id) if id > 0 => Some(id),
        _ => return Err(invalid("reply_to.message_id", "0 or the id of a message")),
    };
    if !matches!(reply_to.locale.as_str(), "ru" | "en") {
        return Err(invalid("reply_to.locale", "ru or en"));
    }
    let outcome = match request.outcome {
        Some(deliver_result_request::Outcome::Result(result)) => {
            let count = Some(result.count).filter(|count| COUNT.contains(count));
            let Some(count) = count.and_then(|count| u32::try_from(count).ok()) else {
                return Err(invalid("result.count", "1 to 10"));
            };
            if result.mime_types.len() != count as usize {
                return Err(invalid("result.mime_types", "one for each picture"));
            }
            if !result.mime_types.iter().all(|mime_type| mime_type.starts_with("image/")) {
                return Err(invalid("result.mime_types", "types of pictures"));
            }
            Outcome::Pictures(count)
        }
        Some(deliver_result_request::Outcome::Failure(failure)) => {
            match FailureReason::try_from(failure.reason) {
                Err(_) | Ok(FailureReason::Unspecified) => {
                    return Err(invalid("failure.reason", "a known reason"));
                }
                Ok(reason) => Outcome::Failure(reason),
            }
        }
        None => return Err(invalid("outcome", "a result or a failure")),
    };
    Ok(Order {
        operation_id: request.operation_id,
        chat_id: reply_to.chat_id,
        message_id,
        locale: reply_to.locale,
        outcome,
    })
}

fn refusal(error: &DeliveryError) -> Refusal {
    let words = error.to_string();
    let later = |reason, wait| refuse(Code::Unavailable, reason, &words).retry_after(wait);
    match error {
        DeliveryError::Refunded => refuse(Code::FailedPrecondition, "OPERATION_REFUNDED", &words),
        DeliveryError::Overloaded => later("OVERLOADED", RETRY_AFTER),
        DeliveryError::UnderWay => later(UNREACHABLE, RETRY_AFTER),
        DeliveryError::ResultUnavailable(call) if call.is_retryable() => {
            later(UNAVAILABLE, RETRY_AFTER)
        }
        DeliveryError::ResultUnavailable(_) => {
            refuse(Code::FailedPrecondition, UNAVAILABLE, &words)
        }
        DeliveryError::Send(error) if error.is_retryable() => {
            later(UNREACHABLE, error.retry_after().unwrap_or(RETRY_AFTER))
        }
        DeliveryError::Send(_) => refuse(Code::Internal, "INTERNAL", &words),
        // What the database said is for our log.
        DeliveryError::Store(_) => {
            refuse(Code::Unavailable, "OVERLOADED", "the gateway's database did not answer")
                .retry_after(RETRY_AFTER)
        }
    }
}

fn refuse(code: Code, reason: &str, words: &str) -> Refusal {
    Refusal::new(code, DOMAIN, reason, words)
}
