//! Hands the bank's notifications on to billing-svc. The gateway has a route for YooKassa only: the bank is for this
//! machine, and billing-svc takes its notifications by the same call.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use proto::billing::v1::{PaymentProvider, SubmitProviderNotificationRequest};
use proto::client::PaymentClient;
use tokio::net::TcpListener;

use crate::server::{Server, url_of};

/// A running route; dropping it closes its listener.
#[derive(Debug)]
pub(super) struct Forward {
    url: String,
    _server: Server,
}

impl Forward {
    pub(super) fn start(listener: TcpListener, payments: PaymentClient) -> Self {
        let url = url_of(&listener);
        let router = Router::new().route("/", post(submit)).with_state(payments);
        Self { url, _server: Server::start(listener, router) }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }
}

/// 200 once billing-svc has kept it, else 503.
async fn submit(State(payments): State<PaymentClient>, body: Bytes) -> StatusCode {
    let notification = SubmitProviderNotificationRequest {
        provider: PaymentProvider::Sandbox.into(),
        body,
        source_ip: "127.0.0.1".to_owned(),
        ..Default::default()
    };
    match payments.submit_provider_notification(notification).await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
