//! A web app that takes YooKassa's notifications and hands them to billing-svc as they came.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::routing::post;
use proto::billing::v1::{PaymentProvider, SubmitProviderNotificationRequest};
use proto::client::{ClientConfig, PaymentClient, Refusal};
use tokio::net::TcpListener;

use crate::variable;

// [1 web]
/// The web app's routes.
pub fn routes(payments: PaymentClient) -> Router {
    Router::new().route("/payments/yookassa", post(yookassa)).with_state(payments)
}

async fn yookassa(
    State(payments): State<PaymentClient>,
    ConnectInfo(sender): ConnectInfo<SocketAddr>,
    body: Bytes,
) -> StatusCode {
    let notification = SubmitProviderNotificationRequest {
        provider: PaymentProvider::Yookassa.into(),
        body,
        source_ip: sender.ip().to_string(),
        ..Default::default()
    };
    match payments.submit_provider_notification(notification).await {
        // Kept. What it says is asked of YooKassa itself before anybody's balance rises.
        Ok(_) => StatusCode::OK,
        // It is no notification.
        Err(error) if matches!(error.refusal(), Some(Refusal::InvalidField { .. })) => {
            StatusCode::BAD_REQUEST
        }
        // Not kept: YooKassa sends it again, for a day.
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Serves at `WEB_LISTEN` until it is killed.
pub async fn run() -> anyhow::Result<()> {
    let token = variable("BILLING_TOKEN")?.into();
    let payments = PaymentClient::new(&ClientConfig::new(variable("BILLING_URL")?, Some(token)))?;
    let listener = TcpListener::bind(variable("WEB_LISTEN")?).await?;
    let routes = routes(payments).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, routes).await?)
}
// [end]
