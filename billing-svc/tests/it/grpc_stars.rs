//! Telegram Stars over gRPC: an invoice, the question before it is paid, and what is paid.

use proto::billing::v1::*;
use proto::google::r#type::Money;
use tonic::Code;

use crate::bank::payment_request;
use crate::harness::Database;
use crate::payments_bot_api::{BotApi, TOKEN};
use crate::refusals::{bad, because, why};
use crate::service::{Service, rub};

on_both!(
    an_invoice_is_approved_paid_and_credited,
    what_may_not_be_paid_says_why,
    stars_go_back_whole_only,
);

const USER: &str = "tg:7";

async fn with_stars(database: &Database) -> (Service, BotApi) {
    let bot_api = BotApi::open().await;
    let flags = ["--telegram-bot-token", TOKEN, "--telegram-api-url", &bot_api.url];
    (Service::start_with(database.url(), &flags).await.unwrap(), bot_api)
}

async fn invoice(service: &Service, request_id: &str) -> Payment {
    let request = CreatePaymentRequest {
        provider: PaymentProvider::TelegramStars.into(),
        ..payment_request(request_id, USER, 100)
    };
    service.payments().create_payment(request).await.unwrap().into_inner().payment.unwrap()
}

fn asked(payment: &Payment) -> ApprovePreCheckoutRequest {
    ApprovePreCheckoutRequest {
        user_id: USER.to_owned(),
        invoice_payload: payment.payment_id.clone(),
        currency: "XTR".to_owned(),
        total_amount: 75,
    }
}

fn told(payment: &Payment, charge: &str) -> ConfirmTelegramPaymentRequest {
    ConfirmTelegramPaymentRequest {
        user_id: USER.to_owned(),
        telegram_payment_charge_id: charge.to_owned(),
        invoice_payload: payment.payment_id.clone(),
        currency: "XTR".to_owned(),
        total_amount: 75,
    }
}

async fn an_invoice_is_approved_paid_and_credited(database: Database) {
    let (service, bot_api) = with_stars(&database).await;
    let mut payments = service.payments();
    let stars = |units| Money { currency_code: "XTR".to_owned(), units, nanos: 0 };
    let methods = payments.list_payment_methods(ListPaymentMethodsRequest {}).await.unwrap();
    let method = methods.into_inner().methods.remove(0);
    assert_eq!((method.min_amount, method.max_amount), (None, None), "packs only");
    assert_eq!(
        (&method.packs[0].amount, &method.packs[0].price),
        (&Some(rub(100)), &Some(stars(75)))
    );

    let payment = invoice(&service, "1").await;
    let payload = payment.payment_id.clone();
    let expected = Invoice { payload, currency: "XTR".to_owned(), stars: 75 };
    assert_eq!((payment.state(), payment.invoice.clone()), (PaymentState::Pending, Some(expected)));
    assert_eq!((payment.price.clone(), &*payment.provider_payment_id), (Some(stars(75)), ""));
    let answer = payments.approve_pre_checkout(asked(&payment)).await.unwrap().into_inner();
    assert_eq!(answer, ApprovePreCheckoutResponse { approved: true, refusal: 0 });

    // What the bot says is kept; what counts is Telegram's own list.
    let waiting = payments.confirm_telegram_payment(told(&payment, "charge")).await.unwrap();
    let waiting = waiting.into_inner();
    assert_eq!(
        (waiting.payment.unwrap().state(), waiting.replayed),
        (PaymentState::Pending, false)
    );
    bot_api.pay("charge", 7, &payment.payment_id, 75);
    let paid = payments.confirm_telegram_payment(told(&payment, "charge")).await.unwrap();
    let paid = paid.into_inner().payment.unwrap();
    assert_eq!((paid.state(), paid.credited.clone()), (PaymentState::Credited, Some(rub(100))));
    assert_eq!((paid.received.clone(), paid.invoice.clone()), (Some(stars(75)), None));
    assert_eq!(paid.provider_payment_id, "charge");
    let again = payments.confirm_telegram_payment(told(&payment, "charge")).await.unwrap();
    let expected = ConfirmTelegramPaymentResponse { payment: Some(paid), replayed: true };
    assert_eq!(again.into_inner(), expected);
    assert_eq!(service.user(USER).await.paid_balance, Some(rub(100)));
    let found = FindUsersRequest { reference: "charge".to_owned(), ..Default::default() };
    let found = service.admin().find_users(found).await.unwrap().into_inner().users;
    assert_eq!(found[0].user_id, USER, "found by what the provider calls it");
    service.finish().await;
}

async fn what_may_not_be_paid_says_why(database: Database) {
    let (service, _bot_api) = with_stars(&database).await;
    let mut payments = service.payments();
    let payment = invoice(&service, "1").await;
    let good = asked(&payment);
    let text = str::to_owned;
    let refused = [
        (
            PreCheckoutRefusal::Unknown,
            ApprovePreCheckoutRequest { user_id: text("tg:8"), ..good.clone() },
        ),
        (
            PreCheckoutRefusal::Unknown,
            ApprovePreCheckoutRequest { invoice_payload: text("of another bot"), ..good.clone() },
        ),
        (PreCheckoutRefusal::Price, ApprovePreCheckoutRequest { total_amount: 74, ..good.clone() }),
        (
            PreCheckoutRefusal::Price,
            ApprovePreCheckoutRequest { currency: text("RUB"), ..good.clone() },
        ),
    ];
    for (refusal, request) in refused {
        let answer = payments.approve_pre_checkout(request).await.unwrap().into_inner();
        assert_eq!((answer.approved, answer.refusal()), (false, refusal));
    }
    let block = SetStandingRequest {
        request_id: "block".to_owned(),
        user_id: USER.to_owned(),
        standing: Standing::Blocked.into(),
        reason: "test".to_owned(),
    };
    service.admin().set_standing(block).await.unwrap();
    let answer = payments.approve_pre_checkout(good).await.unwrap().into_inner();
    assert_eq!((answer.approved, answer.refusal()), (false, PreCheckoutRefusal::Blocked));
    let blocked = because(Code::FailedPrecondition, "USER_BLOCKED", &[]);
    let request = CreatePaymentRequest {
        provider: PaymentProvider::TelegramStars.into(),
        ..payment_request("2", USER, 100)
    };
    assert_eq!(why(payments.create_payment(request).await), blocked);
    let of_another =
        ConfirmTelegramPaymentRequest { user_id: "tg:8".to_owned(), ..told(&payment, "charge") };
    let not_found = because(Code::NotFound, "PAYMENT_NOT_FOUND", &[]);
    assert_eq!(why(payments.confirm_telegram_payment(of_another).await), not_found);
    service.finish().await;
}

async fn stars_go_back_whole_only(database: Database) {
    let (service, bot_api) = with_stars(&database).await;
    let payment = invoice(&service, "1").await;
    bot_api.pay("charge", 7, &payment.payment_id, 75);
    service.payments().confirm_telegram_payment(told(&payment, "charge")).await.unwrap();
    let request = |request_id: &str, amount| RefundPaymentRequest {
        request_id: request_id.to_owned(),
        payment_id: payment.payment_id.clone(),
        amount,
        reason: "they asked".to_owned(),
    };
    let part = service.admin().refund_payment(request("1", Some(rub(50)))).await;
    assert_eq!(why(part), bad("amount"));
    let whole = service.admin().refund_payment(request("2", None)).await.unwrap().into_inner();
    let refund = whole.refund.unwrap();
    assert_eq!((refund.state(), refund.amount), (RefundState::Succeeded, Some(rub(100))));
    assert_eq!(refund.price.unwrap().units, 75);
    assert_eq!(service.user(USER).await.paid_balance, Some(rub(0)));
    service.finish().await;
}
