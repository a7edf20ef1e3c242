//! A console of somebody's own, in a real browser, that calls billing-svc by gRPC-Web.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use sandbox::system::{ADMIN_TOKEN, Service, System};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::browser::{WIDE, open};

/// Asks for the user `tg:1` as `fetch` can, and tells what the page gets to see.
const CALL: &str = r#"
    const [url, token, id, done] = arguments;
    const text = new TextEncoder().encode(id);
    const message = [10, text.length, ...text];
    const body = new Uint8Array([0, 0, 0, 0, message.length, ...message]);
    const headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"};
    if (token) headers.authorization = `Bearer ${token}`;
    fetch(url, {method: "POST", headers, body})
        .then(async (answer) => done({
            status: answer.headers.get("grpc-status"),
            details: answer.headers.get("grpc-status-details-bin") !== null,
            text: new TextDecoder().decode(await answer.arrayBuffer()),
        }))
        .catch((error) => done({error: String(error)}));
"#;

/// A page with nothing in it, and its origin.
async fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router =
        Router::new().route("/", get(|| async { Html("<!doctype html><title>c</title>") }));
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    origin
}

#[tokio::test]
async fn only_a_page_of_a_named_origin_reads_what_a_user_has() {
    let (console, foreign) = (page().await, page().await);
    let builder = System::builder().setting("BILLING_GRPC_WEB_ORIGINS", &console);
    let system = builder.start().await.unwrap();
    let address = system.processes().address(Service::Billing).unwrap().grpc;
    let url = format!("http://{address}/billing.v1.BillingService/GetUserInfo");
    let token = system.processes().folder().join(ADMIN_TOKEN);
    let token = std::fs::read_to_string(token).unwrap();
    let (client, mut driver, _profile) = open(WIDE, "en").await;
    let call = async |token: &str| -> Value {
        let arguments = vec![json!(url), json!(token.trim()), json!("tg:1")];
        client.execute_async(CALL, arguments).await.unwrap()
    };

    client.goto(&console).await.unwrap();
    let read = call(&token).await;
    let text = read["text"].as_str().unwrap();
    assert!(text.contains("tg:1") && text.contains("grpc-status:0"), "{read}");
    let refused = call("").await;
    assert_eq!((&refused["status"], &refused["details"]), (&json!("16"), &json!(true)));

    client.goto(&foreign).await.unwrap();
    let kept_out = call(&token).await;
    assert!(kept_out["error"].as_str().unwrap().contains("Failed to fetch"), "{kept_out}");

    client.close().await.unwrap();
    driver.kill().await.unwrap();
    system.shutdown().await.unwrap();
}
