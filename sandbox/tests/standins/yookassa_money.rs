use serde_json::json;

use crate::shop::{Shop, asked};

#[tokio::test]
async fn what_is_not_captured_at_once_waits_for_the_shop() {
    let shop = Shop::start().await;
    let mut body = asked("100.00");
    body["capture"] = json!(false);
    let mut ids = Vec::new();
    for key in ["a", "b"] {
        let (_, made) = shop.post("/payments", key, &body).await;
        let id = made["id"].as_str().unwrap().to_owned();
        let (early, _) = shop.post(&format!("/payments/{id}/capture"), &id, &json!({})).await;
        assert_eq!(early, 400, "nobody has paid");
        shop.stand_in.pay(&id).unwrap();
        assert_eq!(shop.status(&id).await, "waiting_for_capture");
        ids.push(id);
    }
    assert_eq!(shop.stand_in.paid_less_refunded("RUB"), 0);
    let part = json!({"amount": {"value": "40.00", "currency": "RUB"}});
    let (_, captured) = shop.post(&format!("/payments/{}/capture", ids[0]), "c", &part).await;
    assert_eq!(captured["status"], "succeeded");
    assert_eq!(captured["amount"]["value"], "40.00");
    let (_, canceled) = shop.post(&format!("/payments/{}/cancel", ids[1]), "d", &json!({})).await;
    assert_eq!(canceled["cancellation_details"]["reason"], "canceled_by_merchant");
    assert_eq!(shop.stand_in.paid_less_refunded("RUB"), 40_000_000);
}

#[tokio::test]
async fn refunds_add_up_to_the_payment_and_no_further() {
    let shop = Shop::start().await;
    let id = shop.payment("k", "100.00").await;
    assert_eq!(shop.refund("r0", &id, "1.00").await.0, 400, "it is not paid");
    shop.stand_in.pay(&id).unwrap();
    let (_, first) = shop.refund("r1", &id, "30.00").await;
    assert_eq!(first["status"], "succeeded");
    assert_eq!(first["payment_id"], id.as_str());
    assert_eq!(shop.refund("r1", &id, "30.00").await.1, first, "the same refund");
    assert_eq!(shop.refund("r2", &id, "70.01").await.0, 400, "70 are left");
    let cabinet = shop.stand_in.refund(&id, Some("20.00")).unwrap();
    let (_, payment) = shop.get(&format!("/payments/{id}")).await;
    assert_eq!(payment["refunded_amount"]["value"], "50.00");
    assert_eq!(payment["refundable"], true);
    shop.stand_in.dispute(&id).unwrap();
    let (_, payment) = shop.get(&format!("/payments/{id}")).await;
    assert_eq!(payment["refunded_amount"]["value"], "100.00");
    assert_eq!(payment["refundable"], false);
    assert_eq!(shop.stand_in.paid_less_refunded("RUB"), 0);
    assert!(shop.stand_in.refund(&id, None).is_err(), "nothing is left");

    let (_, list) = shop.get(&format!("/refunds?payment_id={id}")).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    assert_eq!(shop.get(&format!("/refunds/{cabinet}")).await.1["amount"]["value"], "20.00");
    let unknown = shop.refund("r3", "2a000000-000f-5000-8000-100000000000", "1.00").await;
    assert_eq!((unknown.0, unknown.1["parameter"].as_str()), (400, Some("payment_id")));
}

#[tokio::test]
async fn a_refund_may_take_time_and_fail() {
    let shop = Shop::start().await;
    let id = shop.payment("k", "100.00").await;
    shop.stand_in.pay(&id).unwrap();
    shop.stand_in.refunds_take_time(true);
    let (_, slow) = shop.refund("r1", &id, "60.00").await;
    let refund = slow["id"].as_str().unwrap();
    assert_eq!(slow["status"], "pending");
    assert_eq!(shop.refund("r2", &id, "50.00").await.0, 400, "60 are spoken for");
    assert_eq!(shop.stand_in.paid_less_refunded("RUB"), 100_000_000);
    shop.stand_in.finish_refund(refund, false).unwrap();
    let (_, failed) = shop.get(&format!("/refunds/{refund}")).await;
    assert_eq!(failed["status"], "canceled");
    assert!(failed["cancellation_details"]["reason"].is_string());
    assert_eq!(shop.refund("r2", &id, "50.00").await.0, 200);
}

#[tokio::test]
async fn another_shops_payment_is_not_to_be_had() {
    let shop = Shop::start().await;
    let id = shop.payment("k", "100.00").await;
    shop.stand_in.pay(&id).unwrap();
    shop.stand_in.move_to_shop(&id, "100500").unwrap();
    assert_eq!(shop.get(&format!("/payments/{id}")).await.0, 404);
    assert_eq!(shop.get("/payments").await.1["items"], json!([]));
    assert_eq!(shop.refund("r", &id, "1.00").await.0, 400);
    assert_eq!(shop.stand_in.paid_less_refunded("RUB"), 0);
}

#[tokio::test]
async fn a_payment_ends_unpaid_and_may_be_paid_all_the_same() {
    let shop = Shop::start().await;
    let (declined, expired) = (shop.payment("a", "1.00").await, shop.payment("b", "1.00").await);
    shop.stand_in.cancel(&declined).unwrap();
    shop.stand_in.expire(&expired).unwrap();
    let reason = async |id: &str| {
        shop.get(&format!("/payments/{id}")).await.1["cancellation_details"]["reason"].clone()
    };
    assert_eq!(reason(&declined).await, "general_decline");
    assert_eq!(reason(&expired).await, "expired_on_confirmation");
    assert!(shop.stand_in.pay(&expired).is_err());
    shop.stand_in.pay_late(&expired).unwrap();
    assert_eq!(shop.status(&expired).await, "succeeded");
    let other = shop.payment("c", "100.00").await;
    shop.stand_in.pay_other(&other, "99.00", "USD").unwrap();
    let (_, paid) = shop.get(&format!("/payments/{other}")).await;
    assert_eq!(paid["amount"], json!({"value": "99.00", "currency": "USD"}));
}
