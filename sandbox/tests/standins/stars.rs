use std::time::Duration;

use sandbox::telegram::{NotPaid, TelegramStandIn, TelegramUser};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::telegram::Telegram;

const USER: i64 = 5_000_000_001;

fn invoice(stars: i64) -> Value {
    json!({"chat_id": USER, "title": "Пополнение", "description": "100 ₽ на баланс", "payload": "payment-1",
        "provider_token": "", "currency": "XTR", "prices": [{"label": "100 ₽", "amount": stars}]})
}

/// A chat with one invoice of 75 Stars.
async fn with_invoice() -> (Telegram, TelegramUser, i64) {
    let telegram = Telegram::start().await;
    let user = telegram.stand_in.user(USER);
    let sent = telegram.call("sendInvoice", invoice(75)).await;
    let id = sent["result"]["message_id"].as_i64().unwrap();
    (telegram, user, id)
}

/// What the bot does until the user's payment has ended: it answers each query with `answer`.
async fn answering(telegram: &Telegram, answer: Value) -> Value {
    let mut offset = 0;
    loop {
        let params = json!({"offset": offset, "timeout": 5});
        let updates = telegram.call("getUpdates", params).await;
        for update in updates["result"].as_array().unwrap() {
            offset = update["update_id"].as_i64().unwrap() + 1;
            if let Some(query) = update.get("pre_checkout_query") {
                let mut answer = answer.clone();
                answer["pre_checkout_query_id"] = query["id"].clone();
                let answered = telegram.call("answerPreCheckoutQuery", answer).await;
                assert_eq!(answered["ok"], true);
                telegram.call("getUpdates", json!({"offset": offset})).await;
                return query.clone();
            }
        }
    }
}

/// The user pays and the bot agrees.
async fn paid(telegram: &Telegram, user: &TelegramUser, message: i64) -> String {
    let (charge, _) =
        tokio::join!(user.pay_invoice(message), answering(telegram, json!({"ok": true})));
    charge.unwrap()
}

#[tokio::test]
async fn an_invoice_shows_what_it_costs_and_hides_its_payload() {
    let (telegram, user, id) = with_invoice().await;
    let seen = user.sees(|message| message.invoice.is_some()).await.unwrap();
    let shown = seen.invoice.unwrap();
    assert_eq!((shown.title.as_str(), shown.stars), ("Пополнение", 75));
    assert_eq!(seen.id, id);
    assert!(seen.buttons[0].text.starts_with("Pay"));
    assert!(!user.chat().to_string().contains("payment-1"));
    for (field, wrong, error) in [
        ("title", json!("x".repeat(33)), "TITLE_INVALID"),
        ("description", json!(""), "DESCRIPTION_INVALID"),
        ("payload", json!("я".repeat(65)), "INVOICE_PAYLOAD_INVALID"),
        ("currency", json!("RUB"), "PAYMENT_PROVIDER_INVALID"),
        ("prices", json!([]), "STARS_INVOICE_INVALID"),
        ("prices", json!([{"label": "x", "amount": 0}]), "STARS_INVOICE_INVALID"),
        ("provider_token", json!("token"), "STARS_INVOICE_INVALID"),
        ("chat_id", json!(7), "chat not found"),
    ] {
        let mut params = invoice(75);
        params[field] = wrong;
        let refused = telegram.call("sendInvoice", params).await;
        assert_eq!(refused["description"], format!("Bad Request: {error}"), "{field}");
    }
    let other = json!({"inline_keyboard": [[{"text": "Отмена", "callback_data": "no"}]]});
    let mut params = invoice(75);
    params["reply_markup"] = other;
    let refused = telegram.call("sendInvoice", params).await;
    assert_eq!(refused["description"], "Bad Request: REPLY_MARKUP_BUY_EMPTY");
}

#[tokio::test]
async fn a_payment_asks_the_bot_and_then_tells_it() {
    let (telegram, user, id) = with_invoice().await;
    let (charge, query) =
        tokio::join!(user.pay_invoice(id), answering(&telegram, json!({"ok": true})));
    assert_eq!(query["from"]["id"], USER);
    assert_eq!((&query["currency"], &query["total_amount"]), (&json!("XTR"), &json!(75)));
    assert_eq!(query["invoice_payload"], "payment-1");
    let updates = telegram.call("getUpdates", json!({})).await;
    let told = &updates["result"][0]["message"]["successful_payment"];
    assert_eq!(told["telegram_payment_charge_id"], charge.unwrap());
    assert_eq!(told["invoice_payload"], "payment-1");
    assert_eq!((&told["currency"], &told["total_amount"]), (&json!("XTR"), &json!(75)));
    assert_eq!(telegram.stand_in.stars_less_refunded(), 75);
}

#[tokio::test]
async fn a_payment_that_the_bot_refuses_or_does_not_answer_fails_visibly() {
    let (telegram, user, id) = with_invoice().await;
    let refusal = json!({"ok": false, "error_message": "Счёт уже оплачен."});
    let (refused, _) = tokio::join!(user.pay_invoice(id), answering(&telegram, refusal));
    assert_eq!(refused, Err(NotPaid::Refused("Счёт уже оплачен.".to_owned())));
    assert_eq!(user.chat()["notice"]["text"], "Счёт уже оплачен.");

    telegram.stand_in.wait_for_pre_checkout(Duration::from_millis(20));
    assert_eq!(user.pay_invoice(id).await, Err(NotPaid::Unanswered));
    assert!(user.chat()["notice"]["text"].as_str().unwrap().contains("не ответил"));
    let updates = telegram.call("getUpdates", json!({})).await;
    let query = updates["result"][0]["pre_checkout_query"]["id"].clone();
    let late = json!({"pre_checkout_query_id": query, "ok": true});
    let late = telegram.call("answerPreCheckoutQuery", late).await;
    assert_eq!(late["error_code"], 400);
    assert_eq!(user.pay_invoice(id + 1).await, Err(NotPaid::NoInvoice));
    assert_eq!(telegram.stand_in.stars_less_refunded(), 0);
}

#[tokio::test]
async fn one_invoice_is_paid_again_each_time_with_a_charge_of_its_own() {
    let (telegram, user, id) = with_invoice().await;
    let mut charges = Vec::new();
    for _ in 0..3 {
        charges.push(paid(&telegram, &user, id).await);
    }
    charges.sort();
    charges.dedup();
    assert_eq!(charges.len(), 3);
    assert!(charges.iter().any(|charge| charge.len() > 128), "some ids are long");
    assert_eq!(telegram.stand_in.stars_less_refunded(), 225);
    let link = telegram.call("createInvoiceLink", invoice(10)).await["result"].clone();
    let link = link.as_str().unwrap();
    let (charge, _) =
        tokio::join!(user.pay_invoice_link(link), answering(&telegram, json!({"ok": true})));
    charge.unwrap();
    assert_eq!(telegram.stand_in.stars_less_refunded(), 235);
}

#[tokio::test]
async fn a_lost_payment_is_seen_by_the_payer_and_in_the_list_only() {
    let (telegram, user, id) = with_invoice().await;
    telegram.stand_in.lose_payments(1);
    let charge = paid(&telegram, &user, id).await;
    assert_eq!(telegram.stand_in.unconfirmed(), 0);
    assert!(user.chat().to_string().contains(&charge));
    let list = telegram.call("getStarTransactions", json!({})).await;
    assert_eq!(list["result"]["transactions"][0]["id"], charge);
    paid(&telegram, &user, id).await;
    assert_eq!(telegram.stand_in.unconfirmed(), 1, "the next one comes");
}

#[tokio::test]
async fn a_refund_happens_once_and_is_a_transaction_of_the_same_id() {
    let (telegram, user, id) = with_invoice().await;
    let (first, second) = (paid(&telegram, &user, id).await, paid(&telegram, &user, id).await);
    telegram.call("getUpdates", json!({"offset": -1})).await;
    let refund = async |user_id: i64, charge: &str| {
        let params = json!({"user_id": user_id, "telegram_payment_charge_id": charge});
        telegram.call("refundStarPayment", params).await["description"].clone()
    };
    assert_eq!(refund(USER, &first).await, Value::Null);
    assert_eq!(refund(USER, &first).await, "Bad Request: CHARGE_ALREADY_REFUNDED");
    assert_eq!(refund(USER, "nothing").await, "Bad Request: CHARGE_NOT_FOUND");
    assert_eq!(refund(USER + 1, &second).await, "Bad Request: CHARGE_NOT_FOUND");
    assert_eq!(telegram.stand_in.stars_less_refunded(), 75);
    let updates = telegram.call("getUpdates", json!({})).await;
    let told = updates["result"].as_array().unwrap().last().unwrap();
    assert_eq!(told["message"]["refunded_payment"]["telegram_payment_charge_id"], first);

    let list = telegram.call("getStarTransactions", json!({"offset": 1, "limit": 5})).await;
    let list = list["result"]["transactions"].as_array().unwrap();
    assert_eq!(list.len(), 2, "oldest first, without the one that was skipped");
    assert_eq!(list[0]["id"], second);
    assert_eq!(list[0]["source"]["invoice_payload"], "payment-1");
    assert_eq!(list[1]["id"], first);
    assert_eq!(list[1]["receiver"]["user"]["id"], USER);
    assert!(list[1].get("source").is_none());
    telegram.stand_in.refund_stars(&second).unwrap();
    assert_eq!(telegram.stand_in.stars_less_refunded(), 0);
}

#[tokio::test]
async fn a_restart_keeps_invoices_and_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Telegram::over(TelegramStandIn::open(listener, folder.path()).unwrap())
    };
    let before = open().await;
    let user = before.stand_in.user(USER);
    let sent = before.call("sendInvoice", invoice(75)).await;
    let id = sent["result"]["message_id"].as_i64().unwrap();
    paid(&before, &user, id).await;
    before.stand_in.flush().unwrap();
    drop(before);
    let after = open().await;
    assert_eq!(after.stand_in.stars_less_refunded(), 75);
    paid(&after, &after.stand_in.user(USER), id).await;
    assert_eq!(after.stand_in.stars_less_refunded(), 150);
}
