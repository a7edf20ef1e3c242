//! A small stand-in of what Telegram's Bot API says of Stars.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub const TOKEN: &str = "7:hush-hush";

#[derive(Default)]
struct Ledger {
    transactions: Vec<Value>,
    /// So many calls are told to come again later.
    busy: u32,
    calls: Vec<String>,
}

pub struct BotApi {
    pub url: String,
    ledger: Arc<Mutex<Ledger>>,
    server: AbortHandle,
}

impl Drop for BotApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl BotApi {
    pub async fn open() -> Self {
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let routes = Router::new().route("/{bot}/{method}", post(serve)).with_state(ledger.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, ledger, server: server.abort_handle() }
    }

    /// A user pays an invoice.
    pub fn pay(&self, charge: &str, user: i64, payload: &str, stars: i64) {
        let source = json!({"type": "user", "transaction_type": "invoice_payment",
            "user": {"id": user, "is_bot": false, "first_name": "x"}, "invoice_payload": payload});
        let transaction = json!({"id": charge, "amount": stars, "date": 1, "source": source});
        self.ledger.lock().unwrap().transactions.push(transaction);
    }

    /// Somebody gives a payment back, not through us.
    pub fn refund(&self, charge: &str) {
        let refunded = self.ledger.lock().unwrap().refund(charge);
        assert!(refunded.is_ok());
    }

    /// The next calls are told to come again later.
    pub fn be_busy(&self, calls: u32) {
        self.ledger.lock().unwrap().busy = calls;
    }

    pub fn calls(&self, method: &str) -> usize {
        self.ledger.lock().unwrap().calls.iter().filter(|call| *call == method).count()
    }
}

impl Ledger {
    fn refund(&mut self, charge: &str) -> Result<Value, &'static str> {
        let of = |it: &&Value, side: &str| it["id"] == charge && it.get(side).is_some();
        let Some(paid) = self.transactions.iter().find(|it| of(it, "source")).cloned() else {
            return Err("Bad Request: CHARGE_NOT_FOUND");
        };
        if self.transactions.iter().any(|it| of(&it, "receiver")) {
            return Err("Bad Request: CHARGE_ALREADY_REFUNDED");
        }
        let mut receiver = paid["source"].clone();
        // Telegram need not repeat the payload of what is given back.
        receiver.as_object_mut().unwrap().remove("invoice_payload");
        let back = json!({"id": charge, "amount": paid["amount"], "date": 2, "receiver": receiver});
        self.transactions.push(back);
        Ok(json!(true))
    }
}

async fn serve(
    State(ledger): State<Arc<Mutex<Ledger>>>,
    Path((bot, method)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Response {
    let mut ledger = ledger.lock().unwrap();
    let refuse = |status: u16, description: &str, parameters: Value| {
        let body = json!({"ok": false, "error_code": status, "description": description, "parameters": parameters});
        (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
    };
    if bot != format!("bot{TOKEN}") {
        return refuse(401, "Unauthorized", json!({}));
    }
    if ledger.busy > 0 {
        ledger.busy -= 1;
        return refuse(429, "Too Many Requests: retry after 0", json!({"retry_after": 0}));
    }
    ledger.calls.push(method.clone());
    let result = match method.as_str() {
        "getStarTransactions" => {
            let number = |name: &str| usize::try_from(body[name].as_u64().unwrap()).unwrap();
            let page = ledger.transactions.iter().skip(number("offset")).take(number("limit"));
            Ok(json!({"transactions": page.collect::<Vec<_>>()}))
        }
        "refundStarPayment" => {
            assert!(body["user_id"].is_i64());
            ledger.refund(body["telegram_payment_charge_id"].as_str().unwrap())
        }
        _ => Err("Not Found"),
    };
    match result {
        Ok(result) => Json(json!({"ok": true, "result": result})).into_response(),
        Err(description) => refuse(400, description, json!({})),
    }
}
