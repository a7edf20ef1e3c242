//! The web app: what it is sent reaches billing, and is to come again where it doesn't.

use std::net::SocketAddr;

use kopilka_example::web::routes;
use proto::client::PaymentClient;
use tokio::net::TcpListener;

use crate::live::Live;

const NOTIFICATION: &str = r#"{"type": "notification", "event": "payment.succeeded",
    "object": {"id": "23d93cac-000f-5000-8000-126628f15141"}}"#;

#[tokio::test]
async fn a_notification_is_kept_or_to_come_again() {
    let mut billing = Live::start(&[
        ("YOOKASSA_SHOP_ID", "1"),
        ("YOOKASSA_SECRET_KEY", "a-key-of-the-tests"),
        // Nobody is there: what is kept is asked about later.
        ("YOOKASSA_API_URL", "http://127.0.0.1:9/v3"),
    ]);
    let payments = PaymentClient::new(&billing.config("gateway")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/payments/yookassa", listener.local_addr().unwrap());
    let routes = routes(payments).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let http = reqwest::Client::new();
    let tell = async |body: &'static str| http.post(&url).body(body).send().await.unwrap().status();
    assert_eq!(tell(NOTIFICATION).await, 200);
    assert_eq!(tell("no notification").await, 400);
    billing.kill();
    assert_eq!(tell(NOTIFICATION).await, 503);
}
