use sandbox::yookassa::{Call, Failure, Method, SHOP_ID, YookassaStandIn};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::shop::{Shop, asked};

#[tokio::test]
async fn a_payment_is_made_paid_and_read_in_the_api_s_own_words() {
    let shop = Shop::start().await;
    let (_, made) = shop.post("/payments", "k1", &asked("100.00")).await;
    let id = made["id"].as_str().unwrap();
    let parts: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
    assert_eq!(made["status"], "pending");
    assert_eq!(made["paid"], false);
    assert_eq!(made["recipient"]["account_id"], SHOP_ID);
    let url = made["confirmation"]["confirmation_url"].as_str().unwrap();
    assert!(url.ends_with(&format!("/checkout/payments/v2/contract?orderId={id}")), "{url}");

    assert_eq!(shop.stand_in.created("ours").await, id);
    shop.stand_in.pay_with(id, Method::Sbp).unwrap();
    let (_, paid) = shop.get(&format!("/payments/{id}")).await;
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["paid"], true);
    assert_eq!(paid["amount"], json!({"value": "100.00", "currency": "RUB"}));
    assert_eq!(paid["refunded_amount"]["value"], "0.00");
    assert_eq!(paid["payment_method"]["type"], "sbp");
    assert_eq!(paid["metadata"]["payment_id"], "ours");
    assert!(paid["captured_at"].as_str().unwrap().ends_with('Z'));
    assert!(paid.get("confirmation").is_none());
    assert_eq!(shop.stand_in.paid_less_refunded("RUB"), 100_000_000);
    assert!(shop.stand_in.pay(id).is_err(), "it is paid once");
}

#[tokio::test]
async fn credentials_methods_and_ids_are_checked_first() {
    let shop = Shop::start().await;
    let url = format!("{}/payments", shop.stand_in.url());
    let refused = shop.http.get(&url).basic_auth(SHOP_ID, Some("wrong")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["type"], "error");
    assert_eq!(refused["code"], "invalid_credentials");
    assert_eq!(refused["parameter"], "Authorization");
    assert!(refused["id"].is_string() && refused["description"].is_string());

    let (status, unknown) = shop.get("/payments/2a000000-000f-5000-8000-100000000000").await;
    assert_eq!((status, unknown["code"].as_str()), (404, Some("not_found")));
    assert_eq!(shop.get("/refunds/2a000000-0015-5000-8000-100000000000").await.0, 404);
    let deleted = shop.with_key(shop.http.delete(&url)).send().await.unwrap();
    assert_eq!(deleted.status(), 405);
    let form = shop.with_key(shop.http.post(&url)).header("Idempotence-Key", "k").body("a=b");
    assert_eq!(form.send().await.unwrap().status(), 400, "it is no JSON");
    let text = shop.with_key(shop.http.post(&url)).header("Idempotence-Key", "k").body("{}");
    assert_eq!(text.send().await.unwrap().status(), 415);
}

#[tokio::test]
async fn a_key_answers_as_it_was_answered_then_and_takes_no_other_body() {
    let shop = Shop::start().await;
    let (_, first) = shop.post("/payments", "k1", &asked("100.00")).await;
    let id = first["id"].as_str().unwrap();
    shop.stand_in.pay(id).unwrap();
    let (_, again) = shop.post("/payments", "k1", &asked("100.00")).await;
    assert_eq!(again, first, "still pending, as it was then");
    assert_eq!(shop.stand_in.payments().len(), 1);

    let (status, other) = shop.post("/payments", "k1", &asked("101.00")).await;
    assert_eq!(status, 400);
    assert_eq!(other["description"], "Idempotence key duplicated");
    assert_eq!(other["parameter"], "Idempotence-Key");

    let url = format!("{}/payments", shop.stand_in.url());
    let keyless = shop.with_key(shop.http.post(&url)).json(&asked("1.00")).send().await.unwrap();
    assert_eq!(keyless.status(), 400);
    let keyless: Value = keyless.json().await.unwrap();
    assert_eq!(keyless["parameter"], "Idempotence-Key");
    assert_eq!(shop.post("/payments", &"k".repeat(65), &asked("1.00")).await.0, 400);
}

#[tokio::test]
async fn a_wrong_request_names_its_field_and_leaves_its_key_free() {
    let shop = Shop::start().await;
    let many: serde_json::Map<_, _> = (0..17).map(|n| (format!("k{n}"), json!("v"))).collect();
    for (pointer, value, parameter) in [
        ("/amount/value", json!("0.00"), "amount.value"),
        ("/amount/value", json!("1.005"), "amount.value"),
        ("/amount/value", json!(100), "amount.value"),
        ("/amount/value", json!("1,00"), "amount.value"),
        ("/amount/currency", json!("XTR"), "amount.currency"),
        ("/amount", Value::Null, "amount"),
        ("/confirmation/type", json!("telepathy"), "confirmation.type"),
        ("/confirmation/return_url", json!("back"), "confirmation.return_url"),
        ("/metadata", Value::Object(many), "metadata"),
        ("/metadata/payment_id", json!(7), "metadata"),
        ("/description", json!("я".repeat(129)), "description"),
    ] {
        let mut body = asked("100.00");
        *body.pointer_mut(pointer).unwrap() = value.clone();
        let (status, error) = shop.post("/payments", "same key", &body).await;
        assert_eq!((status, error["parameter"].as_str()), (400, Some(parameter)), "{value}");
        assert_eq!(error["code"], "invalid_request");
    }
    assert!(shop.stand_in.payments().is_empty());
    assert_eq!(shop.post("/payments", "same key", &asked("100.00")).await.0, 200);
}

#[tokio::test]
async fn a_receipt_has_the_payments_sum_a_vat_code_and_a_contact() {
    let shop = Shop::start().await;
    shop.stand_in.require_receipts(true);
    let (status, error) = shop.post("/payments", "k", &asked("100.00")).await;
    assert_eq!(
        (status, error["description"].as_str()),
        (400, Some("Receipt is missing or illegal"))
    );
    let receipt = json!({"customer": {"email": "user@example.com"}, "tax_system_code": 2,
        "items": [{"description": "Пополнение", "quantity": "1.000", "vat_code": 1,
            "amount": {"value": "100.00", "currency": "RUB"}, "payment_mode": "full_prepayment"}]});
    for (pointer, wrong) in [
        ("/customer/email", json!("nobody")),
        ("/items/0/amount/value", json!("99.00")),
        ("/items/0/amount/currency", json!("USD")),
        ("/items/0/quantity", json!("2")),
        ("/items/0/vat_code", json!(13)),
        ("/items/0/description", json!("")),
        ("/items", json!([])),
        ("/tax_system_code", json!(7)),
    ] {
        let mut body = asked("100.00");
        body["receipt"] = receipt.clone();
        *body["receipt"].pointer_mut(pointer).unwrap() = wrong;
        assert_eq!(shop.post("/payments", "k", &body).await.0, 400, "{pointer}");
    }
    let mut body = asked("100.00");
    body["receipt"] = receipt;
    let (status, made) = shop.post("/payments", "k", &body).await;
    assert_eq!((status, made["receipt_registration"].as_str()), (200, Some("pending")));
}

#[tokio::test]
async fn lists_are_newest_first_filtered_and_paged() {
    let shop = Shop::start().await;
    let mut ids = Vec::new();
    for number in 0..25 {
        ids.push(shop.payment(&format!("k{number}"), "1.00").await);
    }
    shop.stand_in.pay(&ids[3]).unwrap();
    ids.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, page) = shop.get(&format!("/payments?limit=10{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids);
    let (_, paid) =
        shop.get("/payments?status=succeeded&created_at.gte=2020-01-01T00:00:00.000Z").await;
    assert_eq!(paid["items"].as_array().unwrap().len(), 1);
    let (_, none) = shop.get("/payments?created_at.lt=2020-01-01T00:00:00.000Z").await;
    assert_eq!(none["items"], json!([]));
    for wrong in ["limit=101", "limit=0", "created_at.gte=yesterday", "cursor=x", "colour=red"] {
        assert_eq!(shop.get(&format!("/payments?{wrong}")).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn failures_happen_before_or_after_the_work_as_planned() {
    let shop = Shop::start().await;
    let made = || shop.stand_in.payments().len();
    for (failure, status, done) in [
        (Failure::ServerError, 500, false),
        (Failure::TooManyRequests, 429, false),
        (Failure::Unauthorized, 401, false),
        (Failure::ServerErrorAfter, 500, true),
    ] {
        let (key, before) = (format!("{failure:?}"), made());
        shop.stand_in.fail_call(Call::CreatePayment, failure, 1);
        let (answered, error) = shop.post("/payments", &key, &asked("1.00")).await;
        assert_eq!((answered, error["type"].as_str()), (status, Some("error")), "{failure:?}");
        assert_eq!(made() - before, usize::from(done), "{failure:?}");
        assert_eq!(shop.post("/payments", &key, &asked("1.00")).await.0, 200);
        assert_eq!(made() - before, 1, "the same key makes it once: {failure:?}");
    }
    let before = made();
    shop.stand_in.fail_next(Failure::DropBefore, 1);
    shop.posting("/payments", "before", &asked("1.00")).send().await.unwrap_err();
    assert_eq!(made(), before);
    shop.stand_in.fail_next(Failure::DropAfter, 1);
    shop.posting("/payments", "after", &asked("1.00")).send().await.unwrap_err();
    assert_eq!(made(), before + 1);
    shop.stand_in.fail_next(Failure::Garbage, 1);
    let garbage = shop.posting("/payments", "garbage", &asked("1.00")).send().await.unwrap();
    assert_eq!(garbage.status(), 200);
    garbage.json::<Value>().await.unwrap_err();
    let statuses: Vec<u16> = shop.stand_in.requests().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [500, 200, 429, 200, 401, 200, 500, 200, 0, 0, 200]);
    let last = shop.stand_in.requests_of(Call::CreatePayment).pop().unwrap();
    assert_eq!(last.idempotence_key.as_deref(), Some("garbage"));
    assert_eq!(last.body, asked("1.00"));
}

#[tokio::test]
async fn the_checkout_page_shows_the_amount_and_sends_the_payer_back() {
    let shop = Shop::start().await;
    let (_, made) = shop.post("/payments", "k", &asked("1234.50")).await;
    let url = made["confirmation"]["confirmation_url"].as_str().unwrap();
    let page = shop.http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("1234,50 ₽") && page.contains("СБП"), "{page}");
    let id = made["id"].as_str().unwrap();
    let press = async |action| {
        let form = [("orderId", id), ("action", action)];
        shop.http.post(url).form(&form).send().await.unwrap()
    };
    let back = press("sbp").await;
    assert_eq!(back.status(), 303);
    assert_eq!(back.headers()["location"], "http://127.0.0.1:1/back");
    assert_eq!(press("cancel").await.status(), 303, "a second press changes nothing");
    assert_eq!(shop.status(id).await, "succeeded");
    let page = shop.http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Платёж прошёл") && !page.contains("<form"), "{page}");
}

#[tokio::test]
async fn a_restart_keeps_payments_keys_and_what_was_not_notified() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Shop::over(YookassaStandIn::open(listener, folder.path()).unwrap())
    };
    let before = open().await;
    before.stand_in.notify_at("http://127.0.0.1:1/nobody");
    let id = before.payment("k", "100.00").await;
    before.stand_in.pay(&id).unwrap();
    before.stand_in.flush().unwrap();
    drop(before);
    let after = open().await;
    assert_eq!(after.status(&id).await, "succeeded");
    assert_eq!(after.payment("k", "100.00").await, id);
    assert_eq!(after.stand_in.untaken(), 1);
}
