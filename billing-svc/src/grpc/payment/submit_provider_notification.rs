//! Hands on what came to a webhook; kept when this answers, and not believed.

use proto::billing::v1::{SubmitProviderNotificationRequest, SubmitProviderNotificationResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire};
use crate::payments::Notification;

pub async fn submit_provider_notification(
    edge: &Edge,
    request: Request<SubmitProviderNotificationRequest>,
) -> Result<SubmitProviderNotificationResponse, Refusal> {
    let message = request.into_inner();
    let provider = from_wire::provider(message.provider)?;
    let notification = Notification {
        body: from_wire::notification_body(message.body)?,
        headers: from_wire::notification_headers(message.headers)?,
        source_ip: from_wire::source_ip(&message.source_ip)?,
    };
    edge.payments.notify(provider, notification).await?;
    Ok(SubmitProviderNotificationResponse {})
}
