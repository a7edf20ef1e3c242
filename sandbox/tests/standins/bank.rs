use reqwest::{Client, redirect};
use sandbox::bank::{Call, Failure, SandboxBank};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::notifications::Hook;

struct Bank {
    bank: SandboxBank,
    http: Client,
}

impl Bank {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { bank: SandboxBank::start(listener), http }
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.bank.url());
        let response = self.http.post(url).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.bank.url());
        let response = self.http.get(url).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn payment(&self, payment_id: &str) -> (u16, Value) {
        let body = json!({"payment_id": payment_id, "amount": "100.00", "currency": "RUB",
            "return_url": "http://127.0.0.1:1/back"});
        self.post("/payments", body).await
    }

    async fn paid(&self, payment_id: &str) -> String {
        let (_, made) = self.payment(payment_id).await;
        let id = made["id"].as_str().unwrap().to_owned();
        self.bank.pay(&id).unwrap();
        id
    }
}

#[tokio::test]
async fn a_payment_is_made_once_for_each_id_of_the_shop() {
    let bank = Bank::start().await;
    let (_, made) = bank.payment("p1").await;
    assert_eq!(made["status"], "pending");
    let id = bank.bank.created("p1").await;
    assert_eq!(made["id"], id.as_str());
    bank.bank.pay_other(&id, "99.00", "USD").unwrap();
    let (status, again) = bank.payment("p1").await;
    assert_eq!((status, &again["id"], &again["status"]), (200, &made["id"], &json!("paid")));
    let other = json!({"payment_id": "p1", "amount": "7.00", "currency": "RUB", "return_url": ""});
    assert_eq!(bank.post("/payments", other).await.0, 409);
    let (_, shown) = bank.get(&format!("/payments/{id}")).await;
    assert_eq!(shown["payment_id"], "p1");
    assert_eq!((&shown["amount"], &shown["currency"]), (&json!("99.00"), &json!("USD")));
    assert_eq!(bank.get("/payments/unknown").await.0, 404);
}

#[tokio::test]
async fn a_refund_is_made_once_for_each_id_of_the_shop_and_not_beyond_the_payment() {
    let bank = Bank::start().await;
    let id = bank.paid("p1").await;
    let refund = async |refund_id: &str, amount: &str| {
        bank.post("/refunds", json!({"refund_id": refund_id, "id": id, "amount": amount})).await
    };
    let (_, first) = refund("r1", "60.00").await;
    assert_eq!(first["state"], "succeeded");
    assert_eq!(refund("r1", "60.00").await.1, first);
    assert_eq!(refund("r2", "40.01").await.0, 409);
    assert_eq!(bank.bank.paid_less_refunded("RUB"), 40_000_000);
    assert_eq!(bank.bank.payment(&id).unwrap()["refunds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_dispute_takes_what_is_left_until_it_is_won() {
    let bank = Bank::start().await;
    let id = bank.paid("p1").await;
    bank.bank.refund(&id, Some("30.00")).unwrap();
    let newest = || bank.bank.payment(&id).unwrap()["refunds"].as_array().unwrap().last().cloned();
    for (won, state, left) in [(true, "canceled", 70), (false, "succeeded", 0)] {
        bank.bank.open_dispute(&id).unwrap();
        let open = newest().unwrap();
        assert_eq!(open["amount"], "70.00");
        assert_eq!((&open["dispute"], &open["state"]), (&json!(true), &json!("pending")));
        assert_eq!(bank.bank.paid_less_refunded("RUB"), 70_000_000, "the outcome is open");
        bank.bank.close_dispute(&id, won).unwrap();
        assert_eq!(newest().unwrap()["state"], state);
        assert_eq!(bank.bank.paid_less_refunded("RUB"), left * 1_000_000);
    }
    assert!(bank.bank.close_dispute(&id, true).is_err());
}

#[tokio::test]
async fn the_list_goes_on_from_its_cursor_and_shows_a_payment_again_when_it_changes() {
    let bank = Bank::start().await;
    for name in ["a", "b", "c"] {
        bank.paid(name).await;
    }
    let names = |page: &Value| -> Vec<String> {
        let payments = page["payments"].as_array().unwrap().iter();
        payments.map(|payment| payment["payment_id"].as_str().unwrap().to_owned()).collect()
    };
    let (_, first) = bank.get("/payments?limit=2").await;
    assert_eq!(
        (names(&first), &first["more"]),
        (vec!["a".to_owned(), "b".to_owned()], &json!(true))
    );
    let cursor = first["cursor"].as_str().unwrap();
    bank.bank.refund(&bank.bank.id_of("a").unwrap(), None).unwrap();
    let (_, second) = bank.get(&format!("/payments?after={cursor}")).await;
    assert_eq!(
        (names(&second), &second["more"]),
        (vec!["c".to_owned(), "a".to_owned()], &json!(false))
    );
    let cursor = second["cursor"].as_str().unwrap();
    let (_, rest) = bank.get(&format!("/payments?after={cursor}")).await;
    assert_eq!((names(&rest), &rest["cursor"]), (vec![], &json!(cursor)));
}

#[tokio::test]
async fn a_notification_names_the_payment_and_nothing_else() {
    let (bank, mut hook) = (Bank::start().await, Hook::start().await);
    bank.bank.notify_at(&hook.url);
    let id = bank.paid("p1").await;
    assert_eq!(hook.next().await, json!({ "payment": id }));
    let statuses = bank.bank.notify_in_parallel(&id, 3).await.unwrap();
    assert_eq!(statuses, [200; 3]);
}

#[tokio::test]
async fn the_payer_decides_on_a_page_and_comes_back() {
    let bank = Bank::start().await;
    let (_, made) = bank.payment("p1").await;
    let url = made["confirmation_url"].as_str().unwrap();
    let page = bank.http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("100,00 ₽"), "{page}");
    let back = bank.http.post(url).form(&[("action", "pay")]).send().await.unwrap();
    assert_eq!(back.headers()["location"], "http://127.0.0.1:1/back");
    let id = made["id"].as_str().unwrap();
    assert_eq!(bank.bank.payment(id).unwrap()["status"], "paid");
}

#[tokio::test]
async fn a_call_fails_as_planned_and_its_repetition_finds_what_was_done() {
    let bank = Bank::start().await;
    bank.bank.fail_call(Call::CreatePayment, Failure::ServerErrorAfter, 1);
    assert_eq!(bank.payment("p1").await.0, 500);
    assert_eq!(bank.bank.payments().len(), 1);
    assert_eq!(bank.payment("p1").await.0, 200);
    assert_eq!(bank.bank.payments().len(), 1);
    bank.bank.fail_next(Failure::TooManyRequests, 1);
    assert_eq!(bank.get("/payments").await.0, 429);
}
