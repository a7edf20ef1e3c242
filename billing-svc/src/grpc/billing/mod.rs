//! `BillingService`, an RPC a file.

mod charge;
mod complete;
mod extend_hold;
mod get_operation;
mod get_user_info;
mod list_entries;
mod list_operations;
mod list_prices;
mod quote;
mod refund;

use proto::billing::v1::billing_service_server::BillingService;
use proto::billing::v1::*;
use tonic::{Request, Response, Status};

use super::Edge;

#[tonic::async_trait]
impl BillingService for Edge {
    async fn charge(
        &self,
        request: Request<ChargeRequest>,
    ) -> Result<Response<ChargeResponse>, Status> {
        self.answer(charge::charge(self, request).await)
    }

    async fn complete(
        &self,
        request: Request<CompleteRequest>,
    ) -> Result<Response<CompleteResponse>, Status> {
        self.answer(complete::complete(self, request).await)
    }

    async fn refund(
        &self,
        request: Request<RefundRequest>,
    ) -> Result<Response<RefundResponse>, Status> {
        self.answer(refund::refund(self, request).await)
    }

    async fn extend_hold(
        &self,
        request: Request<ExtendHoldRequest>,
    ) -> Result<Response<ExtendHoldResponse>, Status> {
        self.answer(extend_hold::extend_hold(self, request).await)
    }

    async fn get_user_info(
        &self,
        request: Request<GetUserInfoRequest>,
    ) -> Result<Response<GetUserInfoResponse>, Status> {
        self.answer(get_user_info::get_user_info(self, request).await)
    }

    async fn get_operation(
        &self,
        request: Request<GetOperationRequest>,
    ) -> Result<Response<GetOperationResponse>, Status> {
        self.answer(get_operation::get_operation(self, request).await)
    }

    async fn list_operations(
        &self,
        request: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        self.answer(list_operations::list_operations(self, request).await)
    }

    async fn list_entries(
        &self,
        request: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        self.answer(list_entries::list_entries(self, request).await)
    }

    async fn quote(
        &self,
        request: Request<QuoteRequest>,
    ) -> Result<Response<QuoteResponse>, Status> {
        self.answer(quote::quote(self, request).await)
    }

    async fn list_prices(
        &self,
        request: Request<ListPricesRequest>,
    ) -> Result<Response<ListPricesResponse>, Status> {
        self.answer(list_prices::list_prices(self, request).await)
    }
}
