//! A shop at the stand-in of YooKassa, with its credentials.

use reqwest::{Client, RequestBuilder, redirect};
use sandbox::yookassa::{SHOP_ID, YookassaStandIn};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub struct Shop {
    pub stand_in: YookassaStandIn,
    pub http: Client,
}

impl Shop {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::over(YookassaStandIn::start(listener))
    }

    pub fn over(stand_in: YookassaStandIn) -> Self {
        let http = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { stand_in, http }
    }

    pub fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        let key = self.stand_in.secret_key();
        request.basic_auth(SHOP_ID, Some(key.expose_secret()))
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.stand_in.url()));
        let response = self.with_key(request).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub fn posting(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.stand_in.url()));
        self.with_key(request).header("Idempotence-Key", key).json(body)
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let response = self.posting(path, key, body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Makes a payment and answers its id.
    pub async fn payment(&self, key: &str, value: &str) -> String {
        let (status, payment) = self.post("/payments", key, &asked(value)).await;
        assert_eq!(status, 200, "{payment}");
        payment["id"].as_str().unwrap().to_owned()
    }

    pub async fn refund(&self, key: &str, id: &str, value: &str) -> (u16, Value) {
        let body = json!({"payment_id": id, "amount": {"value": value, "currency": "RUB"}});
        self.post("/refunds", key, &body).await
    }

    pub async fn status(&self, id: &str) -> String {
        let (_, payment) = self.get(&format!("/payments/{id}")).await;
        payment["status"].as_str().unwrap().to_owned()
    }
}

/// What the tests ask for: 100 rubles and so on, captured at once.
pub fn asked(value: &str) -> Value {
    json!({"amount": {"value": value, "currency": "RUB"}, "capture": true, "description": "Пополнение",
        "confirmation": {"type": "redirect", "return_url": "http://127.0.0.1:1/back"},
        "metadata": {"payment_id": "ours"}})
}
