//! Every field about payments at its limits and beyond: refused by name, and nothing made.

use std::collections::BTreeMap;

use proto::billing::v1::*;
use proto::google::r#type::Money;

use crate::bank::{Bank, payment_request};
use crate::harness::Database;
use crate::refusals::{bad, why};
use crate::service::rub;

on_both!(
    a_payment_refuses_each_bad_field,
    a_payment_takes_each_field_at_its_limit,
    notifications_refuse_each_bad_field,
    telegrams_words_refuse_each_bad_field,
    ids_of_payments_are_checked_everywhere,
);

const USER: &str = "tg:1";

async fn a_payment_refuses_each_bad_field(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let good = payment_request("bad", USER, 100);
    let money = |currency: &str, units, nanos| {
        Some(Money { currency_code: currency.to_owned(), units, nanos })
    };
    let mut cases = vec![
        ("request_id", CreatePaymentRequest { request_id: "a b".to_owned(), ..good.clone() }),
        ("user_id", CreatePaymentRequest { user_id: String::new(), ..good.clone() }),
        ("amount", CreatePaymentRequest { amount: None, ..good.clone() }),
    ];
    for provider in [0, 4, -1] {
        cases.push(("provider", CreatePaymentRequest { provider, ..good.clone() }));
    }
    let amounts = [
        money("USD", 100, 0),
        money("RUB", 0, 0),
        money("RUB", -100, 0),
        money("RUB", 100, 1),
        money("RUB", 1_000_000_001, 0),
        money("RUB", i64::MAX, 0),
    ];
    for amount in amounts {
        cases.push(("amount", CreatePaymentRequest { amount, ..good.clone() }));
    }
    let long = format!("https://example.com/{}", "a".repeat(2048));
    let urls = [
        "example.com",
        "http://example.com/",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "https://",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://example.com/a b",
        "https://пример.рф/",
        "https://example.com/\0",
        long.as_str(),
    ];
    for return_url in urls.map(str::to_owned) {
        cases.push(("return_url", CreatePaymentRequest { return_url, ..good.clone() }));
    }
    let long = format!("{}@example.com", "a".repeat(254));
    for receipt_email in [
        "user",
        "@example.com",
        "user@",
        "user@host",
        "a@b@c.ru",
        "a b@c.ru",
        "a@b..ru",
        "a\0@b.ru",
        &long,
    ] {
        let receipt_email = receipt_email.to_owned();
        cases.push(("receipt_email", CreatePaymentRequest { receipt_email, ..good.clone() }));
    }
    for (field, request) in cases {
        let said = format!("{request:?}");
        assert_eq!(why(service.payments().create_payment(request).await), bad(field), "{said}");
    }
    assert_eq!((bank.payments(), service.user(USER).await.version), (0, 0));
    service.finish().await;
}

async fn a_payment_takes_each_field_at_its_limit(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let url = format!("https://example.com/{}", "a".repeat(2048 - 20));
    assert_eq!(url.len(), 2048);
    let longest = CreatePaymentRequest {
        request_id: "r".repeat(128),
        return_url: url,
        receipt_email: format!("{}@пример.рф", "a".repeat(254 - 10)),
        amount: Some(rub(15_000)),
        ..payment_request("", &"u".repeat(64), 1)
    };
    service.payments().create_payment(longest.clone()).await.unwrap();
    assert!(service.payments().create_payment(longest).await.unwrap().into_inner().replayed);
    let here = ["http://localhost:8090/back", "http://127.0.0.1/", "http://[::1]:8090/?a=b"];
    for (n, return_url) in here.into_iter().enumerate() {
        let smallest = CreatePaymentRequest {
            return_url: return_url.to_owned(),
            amount: Some(Money { nanos: 10_000_000, ..rub(10) }),
            ..payment_request(&n.to_string(), USER, 1)
        };
        service.payments().create_payment(smallest).await.unwrap();
    }
    service.finish().await;
}

async fn notifications_refuse_each_bad_field(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let good = SubmitProviderNotificationRequest {
        provider: PaymentProvider::Sandbox.into(),
        body: r#"{"payment":"bank-1"}"#.into(),
        headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
        source_ip: "192.0.2.1".to_owned(),
    };
    let mut payments = service.payments();
    payments.submit_provider_notification(good.clone()).await.unwrap();
    let header = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let many = (0..101).map(|n| (format!("x-{n}"), String::new())).collect();
    let text = str::to_owned;
    let mut cases = vec![
        (
            "body",
            SubmitProviderNotificationRequest { body: vec![b' '; 65_537].into(), ..good.clone() },
        ),
        ("body", SubmitProviderNotificationRequest { body: "not json".into(), ..good.clone() }),
        ("body", SubmitProviderNotificationRequest { body: Vec::new().into(), ..good.clone() }),
        (
            "source_ip",
            SubmitProviderNotificationRequest { source_ip: text("host"), ..good.clone() },
        ),
        (
            "source_ip",
            SubmitProviderNotificationRequest { source_ip: text("192.0.2.1:80"), ..good.clone() },
        ),
        ("headers", SubmitProviderNotificationRequest { headers: many, ..good.clone() }),
    ];
    for headers in [
        header("Content-Type", "x"),
        header("", "x"),
        header("x y", "x"),
        header("x", "\0"),
        header("x", &"v".repeat(16 << 10)),
    ] {
        cases.push(("headers", SubmitProviderNotificationRequest { headers, ..good.clone() }));
    }
    for provider in [0, 4] {
        cases.push(("provider", SubmitProviderNotificationRequest { provider, ..good.clone() }));
    }
    for (field, request) in cases {
        assert_eq!(why(payments.submit_provider_notification(request).await), bad(field));
    }
    let unknown = SubmitProviderNotificationRequest { source_ip: String::new(), ..good };
    payments.submit_provider_notification(unknown).await.unwrap();
    service.finish().await;
}

async fn telegrams_words_refuse_each_bad_field(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let good = ConfirmTelegramPaymentRequest {
        user_id: USER.to_owned(),
        telegram_payment_charge_id: "charge".to_owned(),
        invoice_payload: "payload".to_owned(),
        currency: "XTR".to_owned(),
        total_amount: 75,
    };
    let text = str::to_owned;
    let long = "c".repeat(513);
    let cases = [
        ("user_id", ConfirmTelegramPaymentRequest { user_id: String::new(), ..good.clone() }),
        (
            "telegram_payment_charge_id",
            ConfirmTelegramPaymentRequest {
                telegram_payment_charge_id: String::new(),
                ..good.clone()
            },
        ),
        (
            "telegram_payment_charge_id",
            ConfirmTelegramPaymentRequest { telegram_payment_charge_id: long, ..good.clone() },
        ),
        (
            "invoice_payload",
            ConfirmTelegramPaymentRequest { invoice_payload: "p".repeat(129), ..good.clone() },
        ),
        ("currency", ConfirmTelegramPaymentRequest { currency: text("xtr"), ..good.clone() }),
        ("currency", ConfirmTelegramPaymentRequest { currency: String::new(), ..good.clone() }),
        ("total_amount", ConfirmTelegramPaymentRequest { total_amount: 0, ..good.clone() }),
        ("total_amount", ConfirmTelegramPaymentRequest { total_amount: -1, ..good.clone() }),
        ("total_amount", ConfirmTelegramPaymentRequest { total_amount: i64::MAX, ..good }),
    ];
    let mut payments = service.payments();
    for (field, request) in cases {
        let ConfirmTelegramPaymentRequest {
            user_id, invoice_payload, currency, total_amount, ..
        } = request.clone();
        assert_eq!(why(payments.confirm_telegram_payment(request).await), bad(field));
        if field != "telegram_payment_charge_id" {
            let query =
                ApprovePreCheckoutRequest { user_id, invoice_payload, currency, total_amount };
            assert_eq!(why(payments.approve_pre_checkout(query).await), bad(field));
        }
    }
    service.finish().await;
}

async fn ids_of_payments_are_checked_everywhere(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let id = service.invoice("1", USER, 100).await.payment_id;
    let (mut payments, mut admin) = (service.payments(), service.admin());
    for payment_id in ["", "7", &id.replace('-', ""), &format!("{{{id}}}")].map(str::to_owned) {
        let bad = bad("payment_id");
        let request = GetPaymentRequest { payment_id: payment_id.clone() };
        assert_eq!(why(payments.get_payment(request).await), bad);
        let request = RefreshPaymentRequest { payment_id: payment_id.clone() };
        assert_eq!(why(payments.refresh_payment(request).await), bad);
        let (request_id, reason) = ("1".to_owned(), "test".to_owned());
        let request = RefundPaymentRequest {
            request_id: request_id.clone(),
            payment_id: payment_id.clone(),
            amount: None,
            reason: reason.clone(),
        };
        assert_eq!(why(admin.refund_payment(request).await), bad);
        let request = CreditPaymentRequest {
            request_id: request_id.clone(),
            payment_id: payment_id.clone(),
            amount: None,
            reason: reason.clone(),
        };
        assert_eq!(why(admin.credit_payment(request).await), bad);
        let outcome = DisputeOutcome::Won.into();
        let request =
            RecordDisputeRequest { request_id, payment_id, outcome, amount: None, reason };
        assert_eq!(why(admin.record_dispute(request).await), bad);
    }
    for user_id in ["", "u u"].map(str::to_owned) {
        let request = ListPaymentsRequest { user_id: user_id.clone(), ..Default::default() };
        assert_eq!(why(payments.list_payments(request).await), bad("user_id"));
        let request = ListHistoryRequest { user_id, ..Default::default() };
        assert_eq!(why(payments.list_history(request).await), bad("user_id"));
    }
    service.finish().await;
}
