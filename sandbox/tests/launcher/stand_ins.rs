//! `sandbox stand-ins`: no service is started, and callers are told the names that the settings give.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use reqwest::{Client, redirect};
use sandbox::system::free_address;
use sandbox::yookassa::SHOP_ID;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

use crate::{PATIENCE, Place, children, pid};

impl Place {
    fn stand_ins(&self) -> Command {
        let mut command = self.command();
        command.arg("stand-ins").env("BILLING_TOKEN", "a-token-of-nobody");
        command
    }
}

#[tokio::test]
async fn stand_ins_run_without_the_services_and_use_the_names_that_they_are_given() {
    let place = Place::new();
    let everywhere =
        |listener: &str| format!("0.0.0.0:{}", place.address(listener).rsplit_once(':').unwrap().1);
    // What billing-svc would listen on is taken: it isn't asked for.
    let _taken = TcpListener::bind(place.address("BILLING_LISTEN")).await.unwrap();
    // Where notifications go; nobody is there.
    let notify = format!("http://{}/payments/yookassa", free_address().unwrap());
    let mut child = place
        .stand_ins()
        .env("SANDBOX_FAL_LISTEN", everywhere("SANDBOX_FAL_LISTEN"))
        .env("SANDBOX_YOOKASSA_LISTEN", everywhere("SANDBOX_YOOKASSA_LISTEN"))
        .env("SANDBOX_FAL_URL", "http://stand-ins:8092")
        .env("SANDBOX_YOOKASSA_URL", "http://pay.localhost:18093/")
        .env("SANDBOX_NOTIFY_URL", notify)
        // A real bot's token changes nothing: this is about stand-ins.
        .env("TELEGRAM_BOT_TOKEN", "1:real")
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let id = pid(child.id().unwrap());
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = async {
        let mut said = std::collections::BTreeMap::new();
        while !said.contains_key("YOOKASSA_SECRET_KEY") {
            let line = output.next_line().await.unwrap().expect("it ended early");
            if let Some((name, value)) = line.trim().split_once('=') {
                said.insert(name.to_owned(), value.to_owned());
            }
        }
        said
    };
    let said = timeout(PATIENCE, said).await.unwrap();
    assert!(children(id).is_empty(), "no service");

    let http = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let page = format!("http://{}/", place.address("SANDBOX_LISTEN"));
    assert_eq!(http.get(page).send().await.unwrap().status(), 200);
    let (telegram, token) = (place.address("SANDBOX_TELEGRAM_LISTEN"), &said["TELEGRAM_BOT_TOKEN"]);
    let me = http.get(format!("http://{telegram}/bot{token}/getMe")).send().await.unwrap();
    assert_eq!(me.json::<Value>().await.unwrap()["ok"], true);

    let fal = format!("http://{}/fal-ai/flux", place.address("SANDBOX_FAL_LISTEN"));
    let submit = http.post(fal).header("authorization", format!("Key {}", said["FAL_KEY"]));
    let job: Value =
        submit.json(&json!({"prompt": "cat"})).send().await.unwrap().json().await.unwrap();
    let status = job["status_url"].as_str().unwrap();
    assert!(status.starts_with("http://stand-ins:8092/fal-ai/flux/requests/"), "{status}");

    assert_eq!(said["YOOKASSA_SHOP_ID"], SHOP_ID);
    let shop = format!("http://{}/v3/payments", place.address("SANDBOX_YOOKASSA_LISTEN"));
    let made = http.post(shop).basic_auth(SHOP_ID, Some(&said["YOOKASSA_SECRET_KEY"]));
    let made = made.header("Idempotence-Key", "k").json(&json!({
        "amount": {"value": "300.00", "currency": "RUB"}, "capture": true,
        "confirmation": {"type": "redirect", "return_url": "http://127.0.0.1/"}}));
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    let checkout = made["confirmation"]["confirmation_url"].as_str().unwrap();
    assert!(checkout.starts_with("http://pay.localhost:18093/checkout/"), "{checkout}");

    // As Kubernetes ends a pod.
    kill(id, Signal::SIGTERM).unwrap();
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_stand_in_that_listens_everywhere_needs_a_name() {
    for (listener, name) in [
        ("SANDBOX_FAL_LISTEN", "SANDBOX_FAL_URL"),
        ("SANDBOX_YOOKASSA_LISTEN", "SANDBOX_YOOKASSA_URL"),
    ] {
        let place = Place::new();
        let port = place.address(listener).rsplit_once(':').unwrap().1;
        let output =
            place.stand_ins().env(listener, format!("0.0.0.0:{port}")).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(name), "{said}");
        let output = place.stand_ins().env(name, "http://host/path").output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("without a path"), "{said}");
    }
}
