//! Who may call what, walked RPC by RPC.

use proto::billing::v1::*;
use tonic::{Code, Status};

use crate::harness::Database;
use crate::refusals::{because, why};
use crate::service::{Client, Service, charge_request, promo, refund_request, rub, seconds};

on_both!(
    each_role_may_what_the_table_says,
    strangers_may_nothing,
    a_gateway_refunds_only_what_it_charged_itself,
    only_an_admin_refunds_a_part,
);

/// Each RPC, and whether gateway, worker, service, viewer and admin may call it.
#[rustfmt::skip]
const TABLE: [(&str, [bool; 5]); 12] = [
    ("Charge",         [true,  false, true,  false, true]),
    ("Complete",       [false, true,  true,  false, true]),
    ("Refund",         [true,  true,  true,  false, true]),
    ("ExtendHold",     [false, true,  true,  false, true]),
    ("GetUserInfo",    [true,  false, true,  true,  true]),
    ("GetOperation",   [false, true,  true,  true,  true]),
    ("ListOperations", [true,  false, true,  true,  true]),
    ("ListEntries",    [true,  false, true,  true,  true]),
    ("Quote",          [true,  false, true,  true,  true]),
    ("ListPrices",     [true,  false, true,  true,  true]),
    ("AdjustBalance",  [false, false, false, false, true]),
    ("GrantCredits",   [false, false, false, false, true]),
];

/// Calls an RPC with a request that would do something if it were let through.
async fn call(client: &Client, rpc: &str, operation: &Operation) -> Result<(), Status> {
    let (mut billing, mut admin) = (client.billing(), client.admin());
    let operation_id = operation.operation_id.clone();
    let user_id = operation.user_id.clone();
    match rpc {
        "Charge" => {
            let request_id = format!("new-{user_id}");
            billing.charge(charge_request(&request_id, &user_id, "generate")).await.map(drop)
        }
        "Complete" => billing.complete(CompleteRequest { operation_id }).await.map(drop),
        "Refund" => billing.refund(refund_request(operation)).await.map(drop),
        "ExtendHold" => {
            let hold = Some(seconds(3600));
            billing.extend_hold(ExtendHoldRequest { operation_id, hold }).await.map(drop)
        }
        "GetUserInfo" => billing.get_user_info(GetUserInfoRequest { user_id }).await.map(drop),
        "GetOperation" => {
            billing.get_operation(GetOperationRequest { operation_id }).await.map(drop)
        }
        "ListOperations" => {
            let request = ListOperationsRequest { user_id, ..Default::default() };
            billing.list_operations(request).await.map(drop)
        }
        "ListEntries" => {
            let request = ListEntriesRequest { user_id, ..Default::default() };
            billing.list_entries(request).await.map(drop)
        }
        "Quote" => {
            let request = QuoteRequest { user_id, kind: "edit".to_owned(), quantity: 1 };
            billing.quote(request).await.map(drop)
        }
        "ListPrices" => billing.list_prices(ListPricesRequest {}).await.map(drop),
        "AdjustBalance" => {
            let request = AdjustBalanceRequest {
                request_id: format!("a-{user_id}"),
                user_id,
                amount: Some(rub(1)),
                reason: "test".to_owned(),
            };
            admin.adjust_balance(request).await.map(drop)
        }
        "GrantCredits" => {
            admin.grant_credits(promo(&format!("g-{user_id}"), &user_id, 1)).await.map(drop)
        }
        other => panic!("{other}"),
    }
}

async fn each_role_may_what_the_table_says(database: Database) {
    let service = Service::start_with_callers(database.url()).await;
    for (column, role) in ["gateway", "worker", "service", "viewer", "admin"].iter().enumerate() {
        let client = service.caller(role);
        let user = format!("of-{role}");
        service.top_up(&user, 1000).await;
        // What the gateway may refund is what it charged itself.
        let charger = service.caller(if *role == "gateway" { "gateway" } else { "service" });
        for (rpc, may) in TABLE {
            let operation = charger.charge(&format!("{role}-{rpc}"), &user, "generate").await;
            let before = service.all_of(&user).await;
            let answer = call(&client, rpc, &operation).await;
            if may[column] {
                answer.unwrap_or_else(|status| panic!("{role} may {rpc}: {status:?}"));
            } else {
                let forbidden = because(Code::PermissionDenied, "FORBIDDEN", &[]);
                assert_eq!(why(answer.map(tonic::Response::new)), forbidden, "{role} {rpc}");
                assert_eq!(service.all_of(&user).await, before, "{role} {rpc} wrote something");
            }
        }
    }
    service.finish().await;
}

async fn strangers_may_nothing(database: Database) {
    let service = Service::start_with_callers(database.url()).await;
    let operation = service.charge("1", "tg:1", "generate").await;
    let before = service.all_of("tg:1").await;
    let strangers = [
        service.stranger(),
        service.caller("guess"),
        service.caller("Gateway"),
        service.caller(""),
    ];
    for stranger in strangers {
        for (rpc, _) in TABLE {
            let answer = call(&stranger, rpc, &operation).await.map(tonic::Response::new);
            assert_eq!(
                why(answer),
                because(Code::Unauthenticated, "UNAUTHENTICATED", &[]),
                "{rpc}"
            );
        }
    }
    assert_eq!(service.all_of("tg:1").await, before);
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
