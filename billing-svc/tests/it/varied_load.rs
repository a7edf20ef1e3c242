//! A bit of everything, many users at once, through the real service.

use futures::future::join_all;
use proto::billing::v1::*;

use crate::bank::Bank;
use crate::service::{Service, charge_request, promo, rub, seconds, sql};

const USERS: usize = 24;

/// Charges and how they end, money in and back, promotions, requests of administrators, lists, what the sweeper and the
/// others do by themselves. Returns when all of it is settled.
pub async fn run(service: &Service, bank: &Bank, database_url: &str) {
    for (code, max_redemptions) in [("EVERYBODY", 1000), ("SOME", 3)] {
        let promo_code = PromoCode {
            code: code.to_owned(),
            campaign: "load".to_owned(),
            credits: Some(promo_code::Credits::Amount(rub(5))),
            max_redemptions,
            ..PromoCode::default()
        };
        let request = CreatePromoCodeRequest {
            request_id: format!("make-{code}"),
            promo_code: Some(promo_code),
            reason: "load".to_owned(),
        };
        service.admin().create_promo_code(request).await.unwrap();
    }
    // Each is invited by the one before: the pairs are of all lanes.
    join_all((0..USERS).map(|n| live(service, bank, n))).await;
    join_all((1..USERS).map(|n| be_invited(service, bank, n))).await;
    look_around(service).await;
    administer(service).await;
    end_by_themselves(service, database_url).await;
    hear_of_events(service).await;
}

fn name(n: usize) -> String {
    format!("tg:{n}")
}

async fn live(service: &Service, bank: &Bank, n: usize) {
    let user = name(n);
    service.charge(&format!("free-{n}"), &user, "generate").await;
    let credited = service.paid(bank, &format!("pay-{n}"), &user, 200).await;
    let (mut ended, mut given_back) = (Vec::new(), Vec::new());
    for round in 0..4 {
        ended.push(service.charge(&format!("c-{n}-{round}"), &user, "edit").await);
        given_back.push(service.charge(&format!("r-{n}-{round}"), &user, "upscale").await);
    }
    join_all(ended.iter().map(|operation| service.complete(operation))).await;
    join_all(given_back.iter().map(|operation| service.refund(operation))).await;
    let poor =
        ChargeRequest { quantity: 100, ..charge_request(&format!("poor-{n}"), &user, "merge") };
    service.billing().charge(poor).await.unwrap_err();
    service.grant(promo(&format!("promo-{n}"), &user, 3)).await;
    service.top_up(&user, 50).await;
    for code in ["EVERYBODY", "SOME"] {
        let request = RedeemPromoCodeRequest { user_id: user.clone(), code: code.to_owned() };
        let answer = service.promotions().redeem_promo_code(request).await;
        assert!(answer.is_ok() || code == "SOME", "{answer:?}");
    }
    if n.is_multiple_of(4) {
        let request = RefundPaymentRequest {
            request_id: format!("back-{n}"),
            payment_id: credited.payment_id.clone(),
            amount: Some(rub(20)),
            reason: "load".to_owned(),
        };
        service.admin().refund_payment(request).await.unwrap();
        bank.give_back(&credited, "10.00", n.is_multiple_of(8));
        service.notify(&credited).await;
    }
    let held = service.charge(&format!("held-{n}"), &user, "generate").await;
    let extend = ExtendHoldRequest { operation_id: held.operation_id, hold: Some(seconds(600)) };
    service.billing().extend_hold(extend).await.unwrap();
}

/// A user who has never paid, by one who has been there; then they pay, and the inviter is rewarded.
async fn be_invited(service: &Service, bank: &Bank, n: usize) {
    let (guest, inviter) = (format!("guest:{n}"), name(n - 1));
    let own = GetReferralRequest { user_id: inviter };
    let code = service.promotions().get_referral(own).await.unwrap().into_inner().code;
    let request = AcceptReferralRequest { user_id: guest.clone(), code };
    service.promotions().accept_referral(request).await.unwrap();
    service.paid(bank, &format!("first-{n}"), &guest, 100).await;
}

async fn look_around(service: &Service) {
    for n in 0..USERS {
        let user = name(n);
        let (_, operations, _) = service.all_of(&user).await;
        let get = GetOperationRequest { operation_id: operations[0].operation_id.clone() };
        service.billing().get_operation(get).await.unwrap();
        let quote =
            QuoteRequest { user_id: user.clone(), kind: "edit".to_owned(), ..Default::default() };
        service.billing().quote(quote).await.unwrap();
        let list = ListPaymentsRequest { user_id: user.clone(), ..Default::default() };
        service.payments().list_payments(list).await.unwrap();
        let history = ListHistoryRequest { user_id: user, ..Default::default() };
        service.payments().list_history(history).await.unwrap();
    }
}

async fn administer(service: &Service) {
    for standing in [Standing::Blocked, Standing::Good] {
        let request = SetStandingRequest {
            request_id: format!("stand-{standing:?}"),
            user_id: name(1),
            standing: standing.into(),
            reason: "load".to_owned(),
        };
        service.admin().set_standing(request).await.unwrap();
    }
    let prices = service.billing().list_prices(ListPricesRequest {}).await.unwrap().into_inner();
    let request = PublishPricesRequest {
        request_id: "prices".to_owned(),
        prices: prices.prices,
        reason: "load".to_owned(),
    };
    service.admin().publish_prices(request).await.unwrap();
}

/// Holds and grants whose time is up.
async fn end_by_themselves(service: &Service, database_url: &str) {
    let forgotten = service.charge("forgotten", &name(2), "generate").await;
    let past = "/* test */ UPDATE operations SET expire_time = 1 WHERE request_id = 'forgotten'";
    sql(database_url, past).await;
    service.until(&forgotten, OperationState::Refunded).await;
    service.grant(promo("short", &name(3), 4)).await;
    let past = "/* test */ UPDATE grants SET expire_time = create_time + 1 WHERE given = 4000000";
    sql(database_url, past).await;
}

async fn hear_of_events(service: &Service) {
    let watch = WatchEventsRequest { consumer: "load".to_owned(), after: Some(0) };
    let mut events = service.events().watch_events(watch).await.unwrap().into_inner();
    let mut last = 0;
    while last < 50 {
        if let Some(event) = events.message().await.unwrap().unwrap().event {
            last = event.position;
        }
    }
    let ack = AckEventsRequest { consumer: "load".to_owned(), position: last };
    service.events().ack_events(ack).await.unwrap();
}
