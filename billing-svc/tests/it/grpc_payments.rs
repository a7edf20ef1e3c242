//! Payments, as a gateway and an administrator meet them, with the sandbox's bank behind.

use proto::billing::v1::history_item::Item;
use proto::billing::v1::*;
use proto::google::r#type::Money;
use tonic::Code;

use crate::bank::{Bank, payment_request};
use crate::harness::Database;
use crate::refusals::{Why, bad, because, why};
use crate::service::{Client, Service, rub};

on_all!(
    a_payment_is_made_once_and_credited_once,
    methods_say_what_is_sold,
    a_provider_that_is_away_is_told_apart,
    without_a_provider_there_is_nothing_to_pay_with,
    refreshing_is_limited,
    payments_come_page_by_page_newest_first,
    history_has_everything_newest_first,
    a_payment_that_nobody_has_is_not_found,
);

const USER: &str = "tg:1";

async fn history(client: &Client, page_size: i32, page_token: &str) -> ListHistoryResponse {
    let page_token = page_token.to_owned();
    let request = ListHistoryRequest { user_id: USER.to_owned(), page_size, page_token };
    client.payments().list_history(request).await.unwrap().into_inner()
}

async fn a_payment_is_made_once_and_credited_once(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let mut payments = service.payments();
    let asked = CreatePaymentRequest {
        return_url: "https://t.me/bot".to_owned(),
        receipt_email: "user@example.com".to_owned(),
        ..payment_request("1", USER, 100)
    };
    let first = payments.create_payment(asked.clone()).await.unwrap().into_inner();
    let made = first.payment.clone().unwrap();
    assert_eq!((made.state(), made.provider()), (PaymentState::Pending, PaymentProvider::Sandbox));
    assert_eq!((made.user_id.as_str(), made.request_id.as_str()), (USER, "1"));
    assert_eq!((made.amount.clone(), made.price.clone()), (Some(rub(100)), Some(rub(100))));
    assert_eq!((made.credited.clone(), made.refunded.clone()), (Some(rub(0)), Some(rub(0))));
    assert_eq!(made.provider_payment_id, format!("bank-{}", made.payment_id));
    assert!(made.confirmation_url.ends_with(&made.provider_payment_id));
    assert_eq!((made.invoice.clone(), made.received.clone(), first.replayed), (None, None, false));

    let again = payments.create_payment(asked.clone()).await.unwrap().into_inner();
    assert_eq!(again, CreatePaymentResponse { replayed: true, ..first });
    let others = [
        ("user_id", CreatePaymentRequest { user_id: "tg:2".to_owned(), ..asked.clone() }),
        ("amount", CreatePaymentRequest { amount: Some(rub(300)), ..asked.clone() }),
        ("return_url", CreatePaymentRequest { return_url: String::new(), ..asked.clone() }),
        ("receipt_email", CreatePaymentRequest { receipt_email: String::new(), ..asked.clone() }),
    ];
    for (field, request) in others {
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", field)]);
        assert_eq!(why(payments.create_payment(request).await), reused);
    }
    assert_eq!(bank.payments(), 1);

    bank.pay(&made);
    let paid = service.refreshed(&made).await;
    assert_eq!(paid.state(), PaymentState::Credited);
    assert_eq!((paid.credited.clone(), paid.received.clone()), (Some(rub(100)), Some(rub(100))));
    assert_eq!(paid.confirmation_url, "", "there is nothing to pay any more");
    assert!(paid.paid_time.is_some() && paid.credit_time.is_some());
    service.notify(&made).await;
    assert_eq!(service.refreshed(&made).await, paid);
    assert_eq!(service.payment(&made).await, paid);
    let now = payments.create_payment(asked).await.unwrap().into_inner();
    assert_eq!(now, CreatePaymentResponse { payment: Some(paid), replayed: true });
    assert_eq!(service.user(USER).await.paid_balance, Some(rub(100)));
    let entry = &service.entries(USER).await[0];
    assert_eq!((&entry.payment_id, &*entry.from_account), (&made.payment_id, "topups:sandbox"));
    service.finish().await;
}

async fn methods_say_what_is_sold(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let methods = service.payments().list_payment_methods(ListPaymentMethodsRequest {}).await;
    let methods = methods.unwrap().into_inner().methods;
    let [method] = methods.as_slice() else { panic!("{methods:?}") };
    assert_eq!(method.provider(), PaymentProvider::Sandbox);
    let packs: Vec<_> = method.packs.iter().map(|pack| pack.amount.clone().unwrap()).collect();
    assert_eq!(packs, [rub(100), rub(300), rub(500), rub(1000)]);
    assert!(method.packs.iter().all(|pack| pack.price == pack.amount));
    assert_eq!(
        (method.min_amount.clone(), method.max_amount.clone()),
        (Some(rub(10)), Some(rub(15_000)))
    );

    // What is not sold is refused by its field.
    let part = Money { nanos: 5_000_000, ..rub(10) };
    for amount in [rub(9), rub(15_001), part] {
        let amount = Some(amount);
        let request = CreatePaymentRequest { amount, ..payment_request("bad", USER, 1) };
        assert_eq!(why(service.payments().create_payment(request).await), bad("amount"));
    }
    assert_eq!(bank.payments(), 0);
    service.finish().await;
}

async fn a_provider_that_is_away_is_told_apart(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let payment = service.invoice("1", USER, 100).await;
    bank.set_away(true);
    let away = Why { retry: true, ..because(Code::Unavailable, "PROVIDER_UNAVAILABLE", &[]) };
    let request = RefreshPaymentRequest { payment_id: payment.payment_id.clone() };
    assert_eq!(why(service.payments().refresh_payment(request).await), away);
    assert_eq!(why(service.payments().create_payment(payment_request("2", USER, 300)).await), away);
    // The same request goes on with the payment that was kept.
    bank.set_away(false);
    let second = service.invoice("2", USER, 300).await;
    assert_eq!(second.state(), PaymentState::Pending);
    assert_eq!(bank.payments(), 2);
    service.finish().await;
}

async fn without_a_provider_there_is_nothing_to_pay_with(database: Database) {
    let service = Service::start(database.url()).await;
    let mut payments = service.payments();
    let methods = payments.list_payment_methods(ListPaymentMethodsRequest {}).await.unwrap();
    assert!(methods.into_inner().methods.is_empty());
    let missing = because(Code::FailedPrecondition, "PROVIDER_NOT_CONFIGURED", &[]);
    assert_eq!(why(payments.create_payment(payment_request("1", USER, 100)).await), missing);
    let notification = SubmitProviderNotificationRequest {
        provider: PaymentProvider::Yookassa.into(),
        body: "{}".into(),
        ..Default::default()
    };
    assert_eq!(why(payments.submit_provider_notification(notification).await), missing);
    let query = ApprovePreCheckoutRequest {
        user_id: USER.to_owned(),
        invoice_payload: "any".to_owned(),
        currency: "XTR".to_owned(),
        total_amount: 75,
    };
    assert_eq!(why(payments.approve_pre_checkout(query).await), missing);
    assert_eq!(service.user(USER).await.version, 0);
    service.finish().await;
}

async fn refreshing_is_limited(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let payment = service.invoice("1", USER, 100).await;
    let request = RefreshPaymentRequest { payment_id: payment.payment_id.clone() };
    let limited = loop {
        // As fast as they can be sent, they are too many soon.
        let answer = service.payments().refresh_payment(request.clone()).await;
        if answer.is_err() {
            break why(answer);
        }
    };
    let limit = [("limit", "payment_refresh")];
    let expected =
        Why { retry: true, ..because(Code::ResourceExhausted, "LIMIT_EXCEEDED", &limit) };
    assert_eq!(limited, expected);
    // Another user is not held back.
    let other = service.invoice("2", "tg:2", 100).await;
    service.refreshed(&other).await;
    service.finish().await;
}

async fn payments_come_page_by_page_newest_first(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    for n in 0..5 {
        let payment = service.invoice(&format!("p{n}"), USER, 100).await;
        if n == 1 {
            bank.pay(&payment);
            service.notify(&payment).await;
            service.until_payment(&payment, PaymentState::Credited).await;
        }
        service.invoice(&format!("o{n}"), "tg:11", 100).await;
    }
    let list = |page_size, page_token: &str, states: &[PaymentState]| ListPaymentsRequest {
        user_id: USER.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
        states: states.iter().map(|state| (*state).into()).collect(),
    };
    let mut payments = service.payments();
    let (mut seen, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = payments.list_payments(list(2, &token, &[])).await.unwrap().into_inner();
        sizes.push(page.payments.len());
        seen.extend(page.payments.into_iter().map(|payment| payment.request_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((seen.join(" ").as_str(), sizes.as_slice()), ("p4 p3 p2 p1 p0", &[2, 2, 1][..]));

    let credited = [PaymentState::Credited];
    let page = payments.list_payments(list(2, "", &credited)).await.unwrap().into_inner();
    assert_eq!((page.payments.len(), page.next_page_token.as_str()), (1, ""));
    assert_eq!(page.payments[0].request_id, "p1");
    let pending = [PaymentState::Pending];
    let page = payments.list_payments(list(1, "", &pending)).await.unwrap().into_inner();
    let token = page.next_page_token;
    let of_another =
        ListPaymentsRequest { user_id: "tg:11".to_owned(), ..list(1, &token, &pending) };
    for request in [list(1, &token, &[]), list(1, &token, &credited), of_another] {
        assert_eq!(why(payments.list_payments(request).await), bad("page_token"));
    }
    assert_eq!(why(payments.list_payments(list(-1, "", &[])).await), bad("page_size"));
    for state in [0, 9, -1] {
        let request = ListPaymentsRequest { states: vec![state], ..list(1, "", &[]) };
        assert_eq!(why(payments.list_payments(request).await), bad("states"));
    }
    service.finish().await;
}

async fn history_has_everything_newest_first(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let payment = service.paid(&bank, "p", USER, 100).await;
    let operation = service.charge("o", USER, "generate").await;
    bank.give_back(&payment, "30.00", false);
    service.notify(&payment).await;
    let payment = service.until_payment(&payment, PaymentState::Refunded).await;
    service.invoice("of-another", "tg:11", 100).await;

    let refund = payment.refunds[0].clone();
    let everything = [
        Item::Refund(refund),
        Item::Operation(service.operation(&operation).await),
        // A list shows what went back, and not each refund.
        Item::Payment(Payment { refunds: Vec::new(), ..payment }),
    ];
    let page = history(&service, 0, "").await;
    let items: Vec<_> = page.items.into_iter().map(|line| line.item.unwrap()).collect();
    assert_eq!((items.as_slice(), page.next_page_token.as_str()), (&everything[..], ""));
    let Item::Payment(shown) = &items[2] else { panic!("{items:?}") };
    assert_eq!((shown.refunded.clone(), shown.credited.clone()), (Some(rub(30)), Some(rub(100))));

    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = history(&service, 1, &token).await;
        seen.extend(page.items.into_iter().map(|line| line.item.unwrap()));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, everything);
    let token = history(&service, 1, "").await.next_page_token;
    let of_another = ListHistoryRequest {
        user_id: "tg:11".to_owned(),
        page_token: token.clone(),
        ..ListHistoryRequest::default()
    };
    assert_eq!(why(service.payments().list_history(of_another).await), bad("page_token"));
    let operations = ListOperationsRequest {
        user_id: USER.to_owned(),
        page_token: token,
        ..ListOperationsRequest::default()
    };
    assert_eq!(why(service.billing().list_operations(operations).await), bad("page_token"));
    service.finish().await;
}

async fn a_payment_that_nobody_has_is_not_found(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service(database.url()).await;
    let not_found = because(Code::NotFound, "PAYMENT_NOT_FOUND", &[]);
    let payment_id = uuid::Uuid::now_v7().to_string();
    let mut payments = service.payments();
    let request = GetPaymentRequest { payment_id: payment_id.clone() };
    assert_eq!(why(payments.get_payment(request).await), not_found);
    let request = RefreshPaymentRequest { payment_id: payment_id.clone() };
    assert_eq!(why(payments.refresh_payment(request).await), not_found);
    let reason = "test".to_owned();
    let (request_id, amount) = ("1".to_owned(), None);
    let request = RefundPaymentRequest { request_id, payment_id, amount, reason };
    assert_eq!(why(service.admin().refund_payment(request).await), not_found);
    service.finish().await;
}
