//! `reconcile`: what a provider says and what was credited here, side by side.

use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::payments::{RefundRequest, TelegramPayment};
use billing_svc::reconcile::{self, Kind, Report};
use serde_json::json;
use tokio::process::Command;

use crate::books::user;
use crate::harness::Database;
use crate::payments_shop::{SECRET_KEY, SHOP_ID};
use crate::payments_world::{World, administrator, name};

on_both!(
    books_that_agree_are_clean,
    each_difference_is_named,
    a_provider_that_does_not_answer_leaves_nothing_said,
    the_program_says_it_by_its_exit_code,
);

async fn compare(world: &World) -> Report {
    world.shop.show_lists();
    let day = Duration::from_secs(24 * 3600);
    reconcile::run(&world.books.store, &world.providers(), day).await.unwrap()
}

async fn books_that_agree_are_clean(database: Database) {
    let world = World::open(&database).await;
    for n in 0..5 {
        world.topped_up(&user(&format!("tg:{n}"))).await;
    }
    world.invoice(&user("tg:9")).await;
    let part = world.topped_up(&user("tg:6")).await;
    let by = administrator("r-1");
    let amount = Some(Amount::units(30));
    let request = RefundRequest { payment_id: part.payment_id, amount, by };
    world.payments.refund(request, None).await.unwrap();
    let stars = world.stars_invoice(&user("tg:7")).await;
    world.bot_api.pay("charge", 7, &stars.payment_id.to_string(), 75);
    let told = TelegramPayment {
        user_id: stars.user_id.clone(),
        telegram_payment_charge_id: "charge".to_owned(),
        invoice_payload: stars.payment_id.to_string(),
        price: stars.price.clone(),
    };
    world.payments.confirm_telegram(told).await.unwrap();

    let report = compare(&world).await;
    assert!(report.is_clean(), "{report}");
    let text = report.to_string();
    let shop = "provider yookassa RUB payments 6 paid 600000000 refunded 30000000\n";
    let stars = "provider telegram_stars XTR payments 1 paid 75000000 refunded 0\n";
    assert_eq!(text, format!("{shop}{stars}clean"));
    world.prove().await;
}

async fn each_difference_is_named(database: Database) {
    let world = World::open(&database).await;
    let lost = world.invoice(&user("tg:1")).await;
    world.shop.pay(name(&lost));
    let gone = world.topped_up(&user("tg:2")).await;
    world.shop.forget(name(&gone));
    let less = world.topped_up(&user("tg:3")).await;
    world.shop.refund(name(&less), "1.00");
    let parked = world.invoice(&user("tg:4")).await;
    world.shop.edit(name(&parked), |payment| payment["amount"]["value"] = json!("99.00"));
    world.shop.pay(name(&parked));
    world.payments.refresh(parked.payment_id).await.unwrap();
    let strange = world.shop.put("100500", json!({"order": 1}), "5.00");
    world.shop.put("200600", json!({}), "5.00");
    let unpaid = world.topped_up(&user("tg:5")).await;
    world.shop.cancel(name(&unpaid));

    let report = compare(&world).await;
    let mut found: Vec<_> =
        report.differences.iter().map(|it| (it.kind, it.provider_payment_id.clone())).collect();
    found.sort();
    let mut expected = vec![
        (Kind::PaidNotCredited, name(&lost).to_owned()),
        (Kind::PaidNotCredited, name(&parked).to_owned()),
        (Kind::CreditedNotPaid, name(&gone).to_owned()),
        (Kind::CreditedNotPaid, name(&unpaid).to_owned()),
        (Kind::AmountDiffers, name(&less).to_owned()),
        (Kind::Unmatched, strange),
    ];
    expected.sort();
    assert_eq!(found, expected, "{report}");
    assert!(report.to_string().ends_with("differences 6"));
    world.prove().await;
}

async fn a_provider_that_does_not_answer_leaves_nothing_said(database: Database) {
    let world = World::open(&database).await;
    let day = Duration::from_secs(24 * 3600);
    let error = reconcile::run(&world.books.store, &world.providers(), day).await.unwrap_err();
    assert!(error.to_string().starts_with("yookassa: "), "{error}");
    let error = reconcile::run(&world.books.store, &[], day).await.unwrap_err();
    assert!(error.to_string().contains("YOOKASSA_SHOP_ID"));
    world.prove().await;
}

async fn the_program_says_it_by_its_exit_code(database: Database) {
    let world = World::open(&database).await;
    world.shop.show_lists();
    world.topped_up(&user("tg:1")).await;
    let program = async |environment: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_billing-svc"))
            .env_clear()
            .args(["reconcile", "--since", "1d", "--database-url", database.url()])
            .envs(environment.iter().copied())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let url = world.shop.url.clone();
    let shop = [
        ("YOOKASSA_SHOP_ID", SHOP_ID),
        ("YOOKASSA_SECRET_KEY", SECRET_KEY),
        ("YOOKASSA_API_URL", url.as_str()),
    ];
    // Next to the live service, with nobody to ask, with all well, and with money that nobody was credited.
    let (code, _, why) = program(&[]).await;
    assert_eq!(code, Some(2), "{why}");
    let (code, report, why) = program(&shop).await;
    assert_eq!((code, report.lines().last()), (Some(0), Some("clean")), "{why}");
    let lost = world.invoice(&user("tg:2")).await;
    world.shop.pay(name(&lost));
    let (code, report, _) = program(&shop).await;
    assert_eq!(code, Some(1));
    assert!(report.contains("difference paid_not_credited yookassa"), "{report}");
    let wrong = [shop[0], ("YOOKASSA_SECRET_KEY", "not-the-shops-key"), shop[2]];
    let (code, report, why) = program(&wrong).await;
    assert_eq!((code, report.as_str()), (Some(2), ""));
    assert!(why.contains("credentials") && !why.contains("not-the-shops-key"), "{why}");
    world.prove().await;
}
