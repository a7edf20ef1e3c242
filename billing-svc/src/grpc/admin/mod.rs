//! `AdminService`, an RPC a file.

mod adjust_balance;
mod create_promo_code;
mod grant_credits;
mod publish_prices;
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
        _request: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn set_standing(
        &self,
        request: Request<SetStandingRequest>,
    ) -> Result<Response<SetStandingResponse>, Status> {
        self.answer(set_standing::set_standing(self, request).await)
    }

    async fn find_users(
        &self,
        _request: Request<FindUsersRequest>,
    ) -> Result<Response<FindUsersResponse>, Status> {
        Err(Status::unimplemented(""))
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
        _request: Request<ListPromoCodesRequest>,
    ) -> Result<Response<ListPromoCodesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn refund_payment(
        &self,
        _request: Request<RefundPaymentRequest>,
    ) -> Result<Response<RefundPaymentResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn credit_payment(
        &self,
        _request: Request<CreditPaymentRequest>,
    ) -> Result<Response<CreditPaymentResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn record_dispute(
        &self,
        _request: Request<RecordDisputeRequest>,
    ) -> Result<Response<RecordDisputeResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
