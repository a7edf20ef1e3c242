//! What the launcher makes of the settings, and who gets to see which of them.

use reqwest::{Client, redirect};
use sandbox::yookassa::SHOP_ID;
use serde_json::Value;

use crate::{Place, children};

/// The names of the variables of a process.
fn variables(pid: i32) -> Vec<String> {
    let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let names = environment.split('\0').filter_map(|line| line.split_once('='));
    names.filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.to_owned()).collect()
}

#[tokio::test]
async fn a_secret_reaches_only_the_service_that_needs_it() {
    let place = Place::new();
    let launcher = place.start().await;
    let mut checked = 0;
    for (pid, name) in children(launcher.pid) {
        let has = |variable: &str| variables(pid).iter().any(|has| has == variable);
        let money = name == "billing-svc";
        assert_eq!(has("YOOKASSA_SECRET_KEY"), money, "{name}");
        assert_eq!(has("YOOKASSA_SHOP_ID"), money, "{name}");
        assert_eq!(has("FAL_KEY"), name == "image-worker", "{name}");
        assert_eq!(has("TELEGRAM_BOT_TOKEN"), name != "image-worker", "{name}");
        checked += 1;
    }
    assert_eq!(checked, 3);
    launcher.interrupt().await;
}

#[tokio::test]
async fn half_a_shop_at_yookassa_is_refused_with_what_to_do() {
    let place = Place::new();
    for variable in ["YOOKASSA_SHOP_ID", "YOOKASSA_SECRET_KEY"] {
        let output = place.command().env(variable, "123456").output().await.unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("belong together") && !said.contains("123456"), "{said}");
    }
}

#[tokio::test]
async fn a_payment_can_be_paid_on_its_page_after_a_restart() {
    let place = Place::new();
    let launcher = place.start().await;
    let api = format!("http://{}/v3/payments", place.address("SANDBOX_YOOKASSA_LISTEN"));
    let http = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let key = "test_stand-in-of-yookassa-in-the-sandbox";
    let made = http.post(&api).basic_auth(SHOP_ID, Some(key)).header("Idempotence-Key", "k");
    let made = made.json(
        &serde_json::json!({"amount": {"value": "300.00", "currency": "RUB"}, "capture": true,
        "confirmation": {"type": "redirect", "return_url": launcher.page}}),
    );
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    launcher.interrupt().await;

    let launcher = place.start().await;
    let page = made["confirmation"]["confirmation_url"].as_str().unwrap();
    let form = [("orderId", made["id"].as_str().unwrap()), ("action", "bank_card")];
    let back = http.post(page).form(&form).send().await.unwrap();
    assert_eq!(back.headers()["location"], launcher.page.as_str());
    let url = format!("{api}/{}", made["id"].as_str().unwrap());
    let paid = http.get(url).basic_auth(SHOP_ID, Some(key)).send().await.unwrap();
    assert_eq!(paid.json::<Value>().await.unwrap()["status"], "succeeded");
    launcher.interrupt().await;
}
