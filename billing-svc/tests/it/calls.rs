//! What callers say to a service.

use std::time::Duration;

use proto::billing::v1::*;
use proto::google::r#type::Money;

use crate::service::Client;

// What callers do again and again, each refusal a panic.
impl Client {
    pub async fn charge(&self, request_id: &str, user_id: &str, kind: &str) -> Operation {
        self.charge_with(charge_request(request_id, user_id, kind)).await.operation.unwrap()
    }

    pub async fn charge_with(&self, request: ChargeRequest) -> ChargeResponse {
        self.billing().charge(request).await.unwrap().into_inner()
    }

    pub async fn complete(&self, operation: &Operation) -> CompleteResponse {
        let request = CompleteRequest { operation_id: operation.operation_id.clone() };
        self.billing().complete(request).await.unwrap().into_inner()
    }

    pub async fn refund(&self, operation: &Operation) -> RefundResponse {
        self.billing().refund(refund_request(operation)).await.unwrap().into_inner()
    }

    pub async fn user(&self, user_id: &str) -> UserInfo {
        let request = GetUserInfoRequest { user_id: user_id.to_owned() };
        self.billing().get_user_info(request).await.unwrap().into_inner().user.unwrap()
    }

    pub async fn operation(&self, operation: &Operation) -> Operation {
        let request = GetOperationRequest { operation_id: operation.operation_id.clone() };
        self.billing().get_operation(request).await.unwrap().into_inner().operation.unwrap()
    }

    pub async fn operations(&self, user_id: &str) -> Vec<Operation> {
        let request = ListOperationsRequest {
            user_id: user_id.to_owned(),
            page_size: 200,
            ..Default::default()
        };
        self.billing().list_operations(request).await.unwrap().into_inner().operations
    }

    pub async fn entries(&self, user_id: &str) -> Vec<Entry> {
        let request = ListEntriesRequest {
            user_id: user_id.to_owned(),
            page_size: 200,
            ..Default::default()
        };
        self.billing().list_entries(request).await.unwrap().into_inner().entries
    }

    /// Everything that a write could have changed.
    pub async fn all_of(&self, user_id: &str) -> (UserInfo, Vec<Operation>, Vec<Entry>) {
        (self.user(user_id).await, self.operations(user_id).await, self.entries(user_id).await)
    }

    /// Own money for the user, under a request_id derived from what is given.
    pub async fn top_up(&self, user_id: &str, units: i64) {
        let request = AdjustBalanceRequest {
            request_id: format!("top-up-{user_id}-{units}"),
            user_id: user_id.to_owned(),
            amount: Some(rub(units)),
            reason: "test".to_owned(),
        };
        self.admin().adjust_balance(request).await.unwrap();
    }

    pub async fn grant(&self, request: GrantCreditsRequest) -> Grant {
        self.admin().grant_credits(request).await.unwrap().into_inner().grant.unwrap()
    }

    /// Waits until the operation is in the state, which another task brings about.
    pub async fn until(&self, operation: &Operation, state: OperationState) -> Operation {
        let waiting = async {
            loop {
                let now = self.operation(operation).await;
                if now.state() == state {
                    return now;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap()
    }
}

pub fn charge_request(request_id: &str, user_id: &str, kind: &str) -> ChargeRequest {
    ChargeRequest {
        request_id: request_id.to_owned(),
        user_id: user_id.to_owned(),
        kind: kind.to_owned(),
        ..Default::default()
    }
}

pub fn refund_request(operation: &Operation) -> RefundRequest {
    RefundRequest {
        operation_id: operation.operation_id.clone(),
        reason: RefundReason::JobFailed.into(),
        ..Default::default()
    }
}

pub fn promo(request_id: &str, user_id: &str, units: i64) -> GrantCreditsRequest {
    GrantCreditsRequest {
        request_id: request_id.to_owned(),
        user_id: user_id.to_owned(),
        credits: Some(grant_credits_request::Credits::Amount(rub(units))),
        kind: GrantKind::Promo.into(),
        reason: "test".to_owned(),
        ..Default::default()
    }
}

pub fn rub(units: i64) -> Money {
    Money { currency_code: "RUB".to_owned(), units, nanos: 0 }
}

pub fn seconds(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}
