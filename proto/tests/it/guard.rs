//! The guard and the real billing-svc: nothing runs unpaid, what fails is given back.

use proto::billing::v1::{
    ChargeRequest, CompleteRequest, GetOperationRequest, GetUserInfoRequest, OperationState,
    RefundReason,
};
use proto::client::{BillingClient, GuardError, Refusal};

use crate::live::Live;

/// A picture costs 10 and the user has so much.
async fn shop(rubles: i64) -> (Live, BillingClient) {
    let live = Live::start(&[("BILLING_FREE_OPERATIONS", "0")]);
    live.top_up("tg:1", rubles).await;
    let billing = BillingClient::new(&live.config("gateway")).unwrap();
    (live, billing)
}

fn picture(request_id: &str) -> ChargeRequest {
    ChargeRequest {
        request_id: request_id.to_owned(),
        user_id: "tg:1".to_owned(),
        kind: "generate".to_owned(),
        ..Default::default()
    }
}

/// Whole rubles: there, and held.
async fn money(billing: &BillingClient) -> (i64, i64) {
    let request = GetUserInfoRequest { user_id: "tg:1".to_owned() };
    let user = billing.get_user_info(request).await.unwrap().user.unwrap();
    (user.balance.unwrap().units, user.held.map_or(0, |held| held.units))
}

#[tokio::test]
async fn a_handler_runs_paid_and_the_money_stays_held() {
    let (live, billing) = shop(10).await;
    let ran = billing.guard(picture("1"), async |operation| Ok::<_, ()>(operation.operation_id));
    let id = ran.await.unwrap().unwrap();
    assert_eq!(money(&billing).await, (0, 10));
    // The same update again: the same operation, charged once.
    let again = billing.guard(picture("1"), async |operation| Ok::<_, ()>(operation.operation_id));
    assert_eq!(again.await.unwrap(), Some(id.clone()));
    assert_eq!(money(&billing).await, (0, 10));
    let worker = BillingClient::new(&live.config("worker")).unwrap();
    worker.complete(CompleteRequest { operation_id: id }).await.unwrap();
    let late = billing.guard(picture("1"), async |_| -> Result<(), ()> { panic!("unpaid") });
    assert_eq!(late.await.unwrap(), None);
}

#[tokio::test]
async fn a_handler_that_fails_costs_nothing_and_its_error_goes_on() {
    let (live, billing) = shop(10).await;
    let mut id = String::new();
    let failed = billing.guard(picture("1"), async |operation| {
        id = operation.operation_id;
        Err::<(), _>("the queue is full")
    });
    assert!(matches!(failed.await, Err(GuardError::Failed("the queue is full"))));
    assert_eq!(money(&billing).await, (10, 0));
    let worker = BillingClient::new(&live.config("worker")).unwrap();
    let request = GetOperationRequest { operation_id: id };
    let operation = worker.get_operation(request).await.unwrap().operation.unwrap();
    assert_eq!(operation.state(), OperationState::Refunded);
    assert_eq!(operation.refund_reason(), RefundReason::JobFailed);
}

#[tokio::test]
async fn a_handler_that_settled_and_failed_is_left_settled() {
    let (live, billing) = shop(10).await;
    let worker = BillingClient::new(&live.config("worker")).unwrap();
    let failed = billing.guard(picture("1"), async |operation| {
        let request = CompleteRequest { operation_id: operation.operation_id };
        worker.complete(request).await.unwrap();
        Err::<(), _>("later")
    });
    assert!(matches!(failed.await, Err(GuardError::Failed("later"))));
    assert_eq!(money(&billing).await, (0, 0));
}

#[tokio::test]
async fn nothing_runs_unpaid() {
    let (_live, billing) = shop(4).await;
    let refused = billing.guard(picture("1"), async |_| -> Result<(), ()> { panic!("unpaid") });
    let Err(GuardError::NotCharged(error)) = refused.await else { panic!() };
    let Some(Refusal::InsufficientFunds { required, available, missing, operation_id, .. }) =
        error.refusal()
    else {
        panic!("{error}");
    };
    assert_eq!([required, available, missing], [10, 4, 6].map(Into::into));
    assert!(operation_id.is_some());
}

#[tokio::test]
async fn where_it_cannot_be_given_back_the_handlers_error_goes_on() {
    let (mut live, billing) = shop(10).await;
    let failed = billing.guard(picture("1"), async |_| {
        live.kill();
        Err::<(), _>("the worst moment")
    });
    assert!(matches!(failed.await, Err(GuardError::Failed("the worst moment"))));
}
