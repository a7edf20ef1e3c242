//! `AdminService`, an RPC a file.

mod adjust_balance;
mod grant_credits;

use proto::billing::v1::admin_service_server::AdminService;
use proto::billing::v1::*;
use tonic::{Request, Response, Status};

use super::Edge;

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
}
