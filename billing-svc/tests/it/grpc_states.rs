//! The state table: each thing that can be asked of an operation, in each state it can be in.

use proto::billing::v1::*;
use tonic::Code;

use crate::harness::Database;
use crate::refusals::{because, why};
use crate::service::{Service, charge_request, refund_request, seconds};

on_all!(
    complete_cell_by_cell,
    refund_cell_by_cell,
    extend_hold_cell_by_cell,
    charge_again_cell_by_cell,
    an_unknown_operation_is_not_found,
);

/// One operation in each state, of users of their own: CHARGED, COMPLETED, REFUNDED, DECLINED.
struct Cells {
    charged: Operation,
    completed: Operation,
    refunded: Operation,
    declined: Operation,
}

async fn cells(service: &Service) -> Cells {
    let charged = service.charge("in-charged", "charged", "generate").await;
    let completed = service.charge("in-completed", "completed", "generate").await;
    service.complete(&completed).await;
    let refunded = service.charge("in-refunded", "refunded", "generate").await;
    service.refund(&refunded).await;
    service.billing().charge(declined_request()).await.expect_err("4 do not fit into 3");
    let declined = service.operations("declined").await.remove(0);
    Cells { charged, completed, refunded, declined }
}

/// Four operations where three are free and there is no money.
fn declined_request() -> ChargeRequest {
    ChargeRequest { quantity: 4, ..charge_request("in-declined", "declined", "generate") }
}

fn settled(operation: &Operation, state: &str) -> crate::refusals::Why {
    let metadata = [("operation_id", operation.operation_id.as_str()), ("state", state)];
    because(Code::FailedPrecondition, &format!("OPERATION_{state}"), &metadata)
}

async fn complete_cell_by_cell(database: Database) {
    let service = Service::start(database.url()).await;
    let cells = cells(&service).await;
    let complete = async |operation: &Operation| {
        let request = CompleteRequest { operation_id: operation.operation_id.clone() };
        service.billing().complete(request).await
    };

    let done = complete(&cells.charged).await.unwrap().into_inner();
    assert_eq!(
        (done.operation.clone().unwrap().state(), done.replayed),
        (OperationState::Completed, false)
    );
    assert!(done.operation.clone().unwrap().settle_time.is_some());
    let again = complete(&cells.charged).await.unwrap().into_inner();
    assert_eq!(again, CompleteResponse { replayed: true, ..done });

    let before = service.all_of("completed").await;
    let again = complete(&cells.completed).await.unwrap().into_inner();
    assert!(again.replayed);
    assert_eq!(service.all_of("completed").await, before);

    assert_eq!(why(complete(&cells.refunded).await), settled(&cells.refunded, "REFUNDED"));
    assert_eq!(why(complete(&cells.declined).await), settled(&cells.declined, "DECLINED"));
    service.finish().await;
}

async fn refund_cell_by_cell(database: Database) {
    let service = Service::start_with_callers(database.url()).await;
    let cells = cells(&service).await;
    let refund = async |token: &str, operation: &Operation| {
        service.caller(token).billing().refund(refund_request(operation)).await
    };

    let before = service.user("charged").await;
    assert_eq!(before.free_operations_left, 2);
    let done = refund("worker", &cells.charged).await.unwrap().into_inner();
    let operation = done.operation.clone().unwrap();
    assert_eq!((operation.state(), done.replayed), (OperationState::Refunded, false));
    assert_eq!(operation.refund_reason(), RefundReason::JobFailed);
    assert_eq!(done.user.unwrap().free_operations_left, 3);
    let again = refund("worker", &cells.charged).await.unwrap().into_inner();
    assert_eq!((again.operation.unwrap(), again.replayed), (operation, true));

    for token in ["worker", "service"] {
        assert_eq!(
            why(refund(token, &cells.completed).await),
            settled(&cells.completed, "COMPLETED")
        );
    }
    let done = refund("admin", &cells.completed).await.unwrap().into_inner();
    assert_eq!((done.operation.unwrap().state(), done.replayed), (OperationState::Refunded, false));
    assert_eq!(done.user.unwrap().free_operations_left, 3);

    assert!(refund("worker", &cells.refunded).await.unwrap().into_inner().replayed);
    for token in ["worker", "admin"] {
        assert_eq!(why(refund(token, &cells.declined).await), settled(&cells.declined, "DECLINED"));
    }
    service.finish().await;
}

async fn extend_hold_cell_by_cell(database: Database) {
    let service = Service::start(database.url()).await;
    let cells = cells(&service).await;
    let extend = async |operation: &Operation, hold: i64| {
        let operation_id = operation.operation_id.clone();
        service
            .billing()
            .extend_hold(ExtendHoldRequest { operation_id, hold: Some(seconds(hold)) })
            .await
    };
    let end = |operation: &Operation| operation.expire_time.unwrap().seconds;

    let longer = extend(&cells.charged, 3600).await.unwrap().into_inner().operation.unwrap();
    assert!(end(&longer) >= end(&cells.charged) + 1790, "an hour from now, it was half an hour");
    // Never shorter.
    let same = extend(&cells.charged, 60).await.unwrap().into_inner().operation.unwrap();
    assert_eq!(same, longer);

    assert_eq!(why(extend(&cells.completed, 60).await), settled(&cells.completed, "COMPLETED"));
    assert_eq!(why(extend(&cells.refunded, 60).await), settled(&cells.refunded, "REFUNDED"));
    assert_eq!(why(extend(&cells.declined, 60).await), settled(&cells.declined, "DECLINED"));
    service.finish().await;
}

async fn charge_again_cell_by_cell(database: Database) {
    let service = Service::start(database.url()).await;
    let cells = cells(&service).await;
    let again = async |request_id: &str, user_id: &str| {
        service.charge_with(charge_request(request_id, user_id, "generate")).await
    };
    let table = [
        ("in-charged", "charged", &cells.charged, OperationState::Charged),
        ("in-completed", "completed", &cells.completed, OperationState::Completed),
        ("in-refunded", "refunded", &cells.refunded, OperationState::Refunded),
    ];
    for (request_id, user_id, first, state) in table {
        let before = service.all_of(user_id).await;
        let answer = again(request_id, user_id).await;
        assert!(answer.replayed);
        let operation = answer.operation.unwrap();
        assert_eq!((&operation.operation_id, operation.state()), (&first.operation_id, state));
        assert_eq!(answer.user.unwrap(), before.0);
        assert_eq!(service.all_of(user_id).await, before, "nothing is written");
    }

    // The same decline again, to the letter, even when there is money by now.
    let first = why(service.billing().charge(declined_request()).await);
    assert_eq!(first.reason, "INSUFFICIENT_FUNDS");
    assert_eq!(first.metadata["operation_id"], cells.declined.operation_id);
    service.top_up("declined", 1000).await;
    let before = service.all_of("declined").await;
    assert_eq!(why(service.billing().charge(declined_request()).await), first);
    assert_eq!(service.all_of("declined").await, before);
    service.finish().await;
}

async fn an_unknown_operation_is_not_found(database: Database) {
    let service = Service::start(database.url()).await;
    let id = "01980000-0000-7000-8000-000000000000".to_owned();
    let not_found = because(Code::NotFound, "OPERATION_NOT_FOUND", &[]);
    let mut billing = service.billing();
    let unknown = Operation { operation_id: id.clone(), ..Default::default() };
    assert_eq!(why(billing.refund(refund_request(&unknown)).await), not_found);
    let request = CompleteRequest { operation_id: id.clone() };
    assert_eq!(why(billing.complete(request).await), not_found);
    let request = GetOperationRequest { operation_id: id.clone() };
    assert_eq!(why(billing.get_operation(request).await), not_found);
    let request = ExtendHoldRequest { operation_id: id, hold: Some(seconds(60)) };
    assert_eq!(why(billing.extend_hold(request).await), not_found);
    service.finish().await;
}
