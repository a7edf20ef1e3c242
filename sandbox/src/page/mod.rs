//! The chat page: Telegram in the browser, and beside it the money of the user who chats.
//!
//! Everything is served from the binary. What the page shows comes as server-sent events, each a whole snapshot of one
//! part (chat, money, events, faults), sent when it changed; what a person does goes as small POSTs. The page knows nothing that
//! an operator or a Telegram user could not know: it speaks to the stand-ins and, as an administrator, to billing-svc.

mod actions;
mod acts;
mod events;
mod faults;
mod live;
mod money;
mod payments;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::fal::FalStandIn;
use crate::server::{Server, url_of};
use crate::system::Operator;
use crate::telegram::TelegramStandIn;
use crate::yookassa::YookassaStandIn;
use events::Events;

/// A photo album of ten and what surrounds it.
const BODY_LIMIT: usize = 120 * 1024 * 1024;

/// What the page shows and moves. A stand-in is absent when the real service is used instead.
#[derive(Debug)]
pub struct Stage {
    /// The chat.
    pub telegram: Option<Arc<TelegramStandIn>>,
    /// The provider of pictures.
    pub fal: Option<Arc<FalStandIn>>,
    /// Who takes payments.
    pub yookassa: Option<Arc<YookassaStandIn>>,
    /// billing-svc, as its administrator.
    pub operator: Operator,
}

/// The served page; dropping it closes its listener.
#[derive(Debug)]
pub struct Page {
    url: String,
    follower: JoinHandle<()>,
    _server: Server,
}

impl Page {
    /// Starts serving. Must be called inside a tokio runtime.
    pub fn start(listener: TcpListener, stage: Stage) -> Self {
        let events = Arc::new(Events::default());
        let follower = tokio::spawn(events.clone().follow(stage.operator.events.clone()));
        let url = url_of(&listener);
        let router = router(Arc::new(stage), events);
        Self { url, follower, _server: Server::start(listener, router) }
    }

    /// Where to open it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

fn router(stage: Arc<Stage>, events: Arc<Events>) -> Router {
    let html = "text/html; charset=utf-8";
    let css = "text/css; charset=utf-8";
    let script = "text/javascript; charset=utf-8";
    Router::new()
        .route("/", asset(html, include_str!("web/index.html")))
        .route("/style.css", asset(css, include_str!("web/style.css")))
        .route("/panel.css", asset(css, include_str!("web/panel.css")))
        .route("/payments.css", asset(css, include_str!("web/payments.css")))
        .route("/app.js", asset(script, include_str!("web/app.js")))
        .route("/chat.js", asset(script, include_str!("web/chat.js")))
        .route("/composer.js", asset(script, include_str!("web/composer.js")))
        .route("/panel.js", asset(script, include_str!("web/panel.js")))
        .route("/payments.js", asset(script, include_str!("web/payments.js")))
        .route("/events.js", asset(script, include_str!("web/events.js")))
        .route("/invoice.js", asset(script, include_str!("web/invoice.js")))
        .route("/dom.js", asset(script, include_str!("web/dom.js")))
        .route("/tabs.js", asset(script, include_str!("web/tabs.js")))
        .route("/promo.js", asset(script, include_str!("web/promo.js")))
        .route("/words.js", asset(script, include_str!("web/words.js")))
        .route("/payment-words.js", asset(script, include_str!("web/payment-words.js")))
        .route("/api/users", get(actions::users).post(actions::add_user))
        .route("/api/events", get(live::events))
        .route("/api/files/{file_id}", get(actions::file))
        .route("/api/users/{id}/text", post(actions::send_text))
        .route("/api/users/{id}/pictures", post(actions::send_pictures))
        .route("/api/users/{id}/odd", post(actions::send_odd))
        .route("/api/users/{id}/press", post(actions::press))
        .route("/api/users/{id}/blocked", put(actions::set_blocked))
        .route("/api/users/{id}/money", post(actions::give_money))
        .route("/api/users/{id}/free", post(actions::give_free))
        .route("/api/users/{id}/invoice", post(actions::pay_invoice))
        .route("/api/payments/{payment_id}/{act}", post(acts::act))
        .route("/api/promo", post(acts::add_promo_code))
        .route("/api/faults", put(faults::set))
        .layer(Extension(events))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(stage)
}

fn asset(
    content_type: &'static str,
    body: &'static str,
) -> axum::routing::MethodRouter<Arc<Stage>> {
    get(move || async move {
        let headers = [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "no-store"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; frame-ancestors 'none'",
            ),
        ];
        (headers, body).into_response()
    })
}
