//! `PromotionService`, an RPC a file.

mod accept_referral;
mod attempts;
mod get_referral;
mod redeem_promo_code;

use proto::billing::v1::promotion_service_server::PromotionService;
use proto::billing::v1::*;
use tonic::{Request, Response, Status};

use super::Edge;

pub use attempts::Attempts;

#[tonic::async_trait]
impl PromotionService for Edge {
    async fn redeem_promo_code(
        &self,
        request: Request<RedeemPromoCodeRequest>,
    ) -> Result<Response<RedeemPromoCodeResponse>, Status> {
        self.answer(redeem_promo_code::redeem_promo_code(self, request).await)
    }

    async fn get_referral(
        &self,
        request: Request<GetReferralRequest>,
    ) -> Result<Response<GetReferralResponse>, Status> {
        self.answer(get_referral::get_referral(self, request).await)
    }

    async fn accept_referral(
        &self,
        request: Request<AcceptReferralRequest>,
    ) -> Result<Response<AcceptReferralResponse>, Status> {
        self.answer(accept_referral::accept_referral(self, request).await)
    }
}
