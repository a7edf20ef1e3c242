//! Who may call what, walked RPC by RPC.

use std::collections::BTreeSet;

use prost::Message;
use prost_types::FileDescriptorSet;
use proto::billing::v1::*;
use tonic::Code;

use crate::bank::Bank;
use crate::harness::Database;
use crate::refusals::{because, why};
use crate::rpcs::{Subject, call};
use crate::service::{Client, Service, promo, refund_request, rub};

on_both!(
    each_role_may_what_the_table_says,
    strangers_may_nothing,
    a_gateway_refunds_only_what_it_charged_itself,
    only_an_admin_refunds_a_part,
);

/// The columns of the table.
pub const ROLES: [&str; 5] = ["gateway", "worker", "service", "viewer", "admin"];

/// Each RPC, and whether gateway, worker, service, viewer and admin may call it.
#[rustfmt::skip]
pub const TABLE: [(&str, [bool; 5]); 36] = [
    ("BillingService/Charge",                     [true,  false, true,  false, true]),
    ("BillingService/Complete",                   [false, true,  true,  false, true]),
    ("BillingService/Refund",                     [true,  true,  true,  false, true]),
    ("BillingService/ExtendHold",                 [false, true,  true,  false, true]),
    ("BillingService/GetUserInfo",                [true,  false, true,  true,  true]),
    ("BillingService/GetOperation",               [false, true,  true,  true,  true]),
    ("BillingService/ListOperations",             [true,  false, true,  true,  true]),
    ("BillingService/ListEntries",                [true,  false, true,  true,  true]),
    ("BillingService/Quote",                      [true,  false, true,  true,  true]),
    ("BillingService/ListPrices",                 [true,  false, true,  true,  true]),
    ("PaymentService/ListPaymentMethods",         [true,  false, false, true,  true]),
    ("PaymentService/CreatePayment",              [true,  false, false, false, true]),
    ("PaymentService/GetPayment",                 [true,  false, false, true,  true]),
    ("PaymentService/ListPayments",               [true,  false, false, true,  true]),
    ("PaymentService/ListHistory",                [true,  false, false, true,  true]),
    ("PaymentService/RefreshPayment",             [true,  false, false, false, true]),
    ("PaymentService/SubmitProviderNotification", [true,  false, false, false, true]),
    ("PaymentService/ApprovePreCheckout",         [true,  false, false, false, true]),
    ("PaymentService/ConfirmTelegramPayment",     [true,  false, false, false, true]),
    ("PromotionService/RedeemPromoCode",          [true,  false, false, false, true]),
    ("PromotionService/GetReferral",              [true,  false, false, false, true]),
    ("PromotionService/AcceptReferral",           [true,  false, false, false, true]),
    ("EventService/WatchEvents",                  [true,  false, false, false, true]),
    ("EventService/AckEvents",                    [true,  false, false, false, true]),
    ("AdminService/AdjustBalance",                [false, false, false, false, true]),
    ("AdminService/GrantCredits",                 [false, false, false, false, true]),
    ("AdminService/RevokeGrant",                  [false, false, false, false, true]),
    ("AdminService/ListGrants",                   [false, false, false, true,  true]),
    ("AdminService/SetStanding",                  [false, false, false, false, true]),
    ("AdminService/FindUsers",                    [false, false, false, true,  true]),
    ("AdminService/PublishPrices",                [false, false, false, false, true]),
    ("AdminService/CreatePromoCode",              [false, false, false, false, true]),
    ("AdminService/ListPromoCodes",               [false, false, false, true,  true]),
    ("AdminService/RefundPayment",                [false, false, false, false, true]),
    ("AdminService/CreditPayment",                [false, false, false, false, true]),
    ("AdminService/RecordDispute",                [false, false, false, false, true]),
];

#[test]
fn the_table_names_every_rpc() {
    let files = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap().file;
    let ours = files.iter().filter(|file| file.package() == "billing.v1");
    let rpcs: BTreeSet<String> = ours
        .flat_map(|file| &file.service)
        .flat_map(|service| {
            service.method.iter().map(|rpc| format!("{}/{}", service.name(), rpc.name()))
        })
        .collect();
    assert_eq!(rpcs, TABLE.iter().map(|(rpc, _)| (*rpc).to_owned()).collect());
}

/// Something of this user for each RPC to be about, new for each.
async fn subject(service: &Service, charger: &Client, user: &str, rpc: &str) -> Subject {
    let grant = service.grant(promo(&format!("grant-{user}-{rpc}"), user, 1)).await;
    let operation = charger.charge(&format!("{user}-{rpc}"), user, "generate").await;
    let payment = service.invoice(&format!("{user}-{rpc}"), user, 100).await;
    let request = GetReferralRequest { user_id: "inviter".to_owned() };
    let referral = service.promotions().get_referral(request).await.unwrap().into_inner();
    let promo_code = "FREE".to_owned();
    Subject { operation, payment, grant, referral_code: referral.code, promo_code }
}

/// The rule that these requests meet once they are let through; the others are obeyed.
fn rule(rpc: &str) -> Option<&'static str> {
    match rpc {
        "PaymentService/ApprovePreCheckout" | "PaymentService/ConfirmTelegramPayment" => {
            Some("PROVIDER_NOT_CONFIGURED")
        }
        "AdminService/RefundPayment"
        | "AdminService/CreditPayment"
        | "AdminService/RecordDispute" => Some("PAYMENT_STATE"),
        _ => None,
    }
}

async fn free(service: &Service) {
    let promo_code = PromoCode {
        code: "FREE".to_owned(),
        campaign: "test".to_owned(),
        credits: Some(promo_code::Credits::Operations(1)),
        max_redemptions: 100,
        ..PromoCode::default()
    };
    let request = CreatePromoCodeRequest {
        request_id: "free".to_owned(),
        promo_code: Some(promo_code),
        reason: "test".to_owned(),
    };
    service.admin().create_promo_code(request).await.unwrap();
}

async fn with_bank(database: &Database) -> (Service, Bank) {
    let bank = Bank::open().await;
    let flags = ["--sandbox-bank-url", &bank.url];
    let service = Service::start_with_callers_and(database.url(), &flags).await;
    free(&service).await;
    (service, bank)
}

async fn each_role_may_what_the_table_says(database: Database) {
    let (service, _bank) = with_bank(&database).await;
    for (column, role) in ROLES.iter().enumerate() {
        let client = service.caller(role);
        let user = format!("of-{role}");
        service.top_up(&user, 1000).await;
        // What the gateway may refund is what it charged itself.
        let charger = service.caller(if *role == "gateway" { "gateway" } else { "service" });
        for (rpc, may) in TABLE {
            let subject = subject(&service, &charger, &user, rpc).await;
            let before = service.all_of(&user).await;
            let answer = call(&client, rpc, &subject).await.map(tonic::Response::new);
            match (may[column], rule(rpc)) {
                (true, None) => {
                    answer.unwrap_or_else(|status| panic!("{role} may {rpc}: {status:?}"));
                }
                (true, Some(rule)) => assert_eq!(why(answer).reason, rule, "{role} {rpc}"),
                (false, _) => {
                    let forbidden = because(Code::PermissionDenied, "FORBIDDEN", &[]);
                    assert_eq!(why(answer), forbidden, "{role} {rpc}");
                    let after = service.all_of(&user).await;
                    assert_eq!(after, before, "{role} {rpc} wrote something");
                }
            }
        }
    }
    service.finish().await;
}

async fn strangers_may_nothing(database: Database) {
    let (service, bank) = with_bank(&database).await;
    service.top_up("tg:1", 1000).await;
    let subject = subject(&service, &service, "tg:1", "any").await;
    let before = service.all_of("tg:1").await;
    let strangers = [
        service.stranger(),
        service.caller("guess"),
        service.caller("Gateway"),
        service.caller(""),
    ];
    for stranger in strangers {
        for (rpc, _) in TABLE {
            let answer = call(&stranger, rpc, &subject).await.map(tonic::Response::new);
            assert_eq!(
                why(answer),
                because(Code::Unauthenticated, "UNAUTHENTICATED", &[]),
                "{rpc}"
            );
        }
    }
    assert_eq!(service.all_of("tg:1").await, before);
    assert_eq!(bank.payments(), 1);
    service.finish().await;
}

async fn a_gateway_refunds_only_what_it_charged_itself(database: Database) {
    let service = Service::start_with_callers(database.url()).await;
    let operation = service.caller("gateway").charge("1", "tg:1", "generate").await;
    let before = service.all_of("tg:1").await;
    let mut other = service.caller("other gateway").billing();
    let forbidden = because(Code::PermissionDenied, "FORBIDDEN", &[]);
    assert_eq!(why(other.refund(refund_request(&operation)).await), forbidden);
    assert_eq!(service.all_of("tg:1").await, before);

    assert!(!service.caller("gateway").refund(&operation).await.replayed);
    // And what is completed is not its to refund either.
    let operation = service.caller("gateway").charge("2", "tg:1", "generate").await;
    service.complete(&operation).await;
    let answer = service.caller("gateway").billing().refund(refund_request(&operation)).await;
    assert_eq!(why(answer).reason, "OPERATION_COMPLETED");
    service.finish().await;
}

async fn only_an_admin_refunds_a_part(database: Database) {
    let service = Service::start_with_callers(database.url()).await;
    let operation = service.caller("gateway").charge("1", "tg:1", "generate").await;
    service.complete(&operation).await;
    let before = service.all_of("tg:1").await;
    for role in ["gateway", "worker", "service"] {
        let request = RefundRequest { amount: Some(rub(1)), ..refund_request(&operation) };
        let forbidden = because(Code::PermissionDenied, "FORBIDDEN", &[]);
        assert_eq!(why(service.caller(role).billing().refund(request).await), forbidden);
    }
    assert_eq!(service.all_of("tg:1").await, before);
    service.finish().await;
}
