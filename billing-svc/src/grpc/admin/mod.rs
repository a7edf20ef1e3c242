//! `AdminService`, an RPC a file.

mod adjust_balance;
mod create_promo_code;
mod credit_payment;
mod find_users;
mod grant_credits;
mod list_grants;
mod list_promo_codes;
mod publish_prices;
mod record_dispute;
mod refund_payment;
mod revoke_grant;
mod set_standing;

use proto::billing::v1::admin_service_server::AdminService;
use proto::billing::v1::*;
use tonic::{Request, Response, Status};

use super::Edge;
use super::call::Call;
use crate::ledger::{Administrator, RequestId};

/// Who asks, and why.
fn administrator(call: &Call, request_id: RequestId, reason: String) -> Administrator {
    Administrator { request_id, reason, caller: call.caller.name.clone() }
}

#[tonic::async_trait]
impl AdminService for Edge {
    async fn adjust_balance(
        &self,
        request: Request<AdjustBalanceRequest>,
    ) -> Result<Response<AdjustBalanceResponse>, Status> {
        self.answer(adjust_balance::adjust_balance(self, request).await)
    }

    async fn grant_credits(
        &self,
        request: Request<GrantCreditsRequest>,
    ) -> Result<Response<GrantCreditsResponse>, Status> {
        self.answer(grant_credits::grant_credits(self, request).await)
    }

    async fn revoke_grant(
        &self,
        request: Request<RevokeGrantRequest>,
    ) -> Result<Response<RevokeGrantResponse>, Status> {
        self.answer(revoke_grant::revoke_grant(self, request).await)
    }

    async fn list_grants(
        &self,
        request: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        self.answer(list_grants::list_grants(self, request).await)
    }

    async fn set_standing(
        &self,
        request: Request<SetStandingRequest>,
    ) -> Result<Response<SetStandingResponse>, Status> {
        self.answer(set_standing::set_standing(self, request).await)
    }

    async fn find_users(
        &self,
        request: Request<FindUsersRequest>,
    ) -> Result<Response<FindUsersResponse>, Status> {
        self.answer(find_users::find_users(self, request).await)
    }

    async fn publish_prices(
        &self,
        request: Request<PublishPricesRequest>,
    ) -> Result<Response<PublishPricesResponse>, Status> {
        self.answer(publish_prices::publish_prices(self, request).await)
    }

    async fn create_promo_code(
        &self,
        request: Request<CreatePromoCodeRequest>,
    ) -> Result<Response<CreatePromoCodeResponse>, Status> {
        self.answer(create_promo_code::create_promo_code(self, request).await)
    }

    async fn list_promo_codes(
        &self,
        request: Request<ListPromoCodesRequest>,
    ) -> Result<Response<ListPromoCodesResponse>, Status> {
        self.answer(list_promo_codes::list_promo_codes(self, request).await)
    }

    async fn refund_payment(
        &self,
        request: Request<RefundPaymentRequest>,
    ) -> Result<Response<RefundPaymentResponse>, Status> {
        self.answer(refund_payment::refund_payment(self, request).await)
    }

    async fn credit_payment(
        &self,
        request: Request<CreditPaymentRequest>,
    ) -> Result<Response<CreditPaymentResponse>, Status> {
        self.answer(credit_payment::credit_payment(self, request).await)
    }

    async fn record_dispute(
        &self,
        request: Request<RecordDisputeRequest>,
    ) -> Result<Response<RecordDisputeResponse>, Status> {
        self.answer(record_dispute::record_dispute(self, request).await)
    }
}
