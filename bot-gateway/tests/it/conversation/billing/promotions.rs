//! What the stand-in of billing gives: promo codes and gifts for invitations.

use std::collections::HashMap;

use proto::billing::v1::{promotion_service_server::PromotionService, *};
use tonic::{Code, Request, Response, Status};

use super::{Answer, Billing, Books, Hang, refused};

/// A promo code of free operations.
#[derive(Clone, Copy, Debug)]
pub struct PromoCode {
    pub operations: i64,
    /// Refused with this reason.
    pub over: Option<&'static str>,
}

/// Codes, and who came by whom.
pub struct Promotions {
    /// By their names in capitals.
    pub codes: HashMap<&'static str, PromoCode>,
    /// User and code in capitals.
    pub redeemed: Vec<(String, String)>,
    /// Too many wrong codes were tried.
    pub too_many: bool,
    /// Who came by whose link.
    pub invited: Vec<(String, String)>,
    /// Invitations are refused for this.
    pub refuse: Option<&'static str>,
    /// For the one who invites and for the invited.
    pub gifts: (i64, i64),
    /// So many invitations can't be noted now.
    pub failing: u32,
}

impl Default for Promotions {
    fn default() -> Promotions {
        Promotions {
            codes: HashMap::new(),
            redeemed: vec![],
            too_many: false,
            invited: vec![],
            refuse: None,
            gifts: (3, 2),
            failing: 0,
        }
    }
}

impl Books {
    fn redeem(
        &mut self,
        request: &RedeemPromoCodeRequest,
    ) -> Result<RedeemPromoCodeResponse, Status> {
        let refused = |reason| Err(refused(Code::FailedPrecondition, reason, HashMap::new()));
        if self.blocked.contains(&request.user_id) {
            return refused("USER_BLOCKED");
        }
        if self.promotions.too_many {
            let limit = HashMap::from([("limit".to_owned(), "promo_attempts".to_owned())]);
            return Err(super::refused(Code::ResourceExhausted, "LIMIT_EXCEEDED", limit));
        }
        let name = request.code.to_uppercase();
        let Some(code) = self.promotions.codes.get(name.as_str()).copied() else {
            return refused("PROMO_CODE_NOT_FOUND");
        };
        let mine = (request.user_id.clone(), name);
        let replayed = self.promotions.redeemed.contains(&mine);
        if let Some(over) = code.over.filter(|_| !replayed) {
            return refused(over);
        }
        if !replayed {
            self.promotions.redeemed.push(mine);
        }
        let grant = Grant {
            user_id: request.user_id.clone(),
            unit: Unit::Operation.into(),
            operations_given: code.operations,
            ..Grant::default()
        };
        let user = Some(self.user(&request.user_id));
        Ok(RedeemPromoCodeResponse { grant: Some(grant), user, replayed })
    }

    fn accept(
        &mut self,
        request: &AcceptReferralRequest,
    ) -> Result<AcceptReferralResponse, Status> {
        if self.promotions.failing > 0 {
            self.promotions.failing -= 1;
            return Err(refused(Code::Unavailable, "STORE_UNAVAILABLE", HashMap::new()));
        }
        if let Some(why) = self.promotions.refuse {
            let why = HashMap::from([("why".to_owned(), why.to_owned())]);
            return Err(refused(Code::FailedPrecondition, "REFERRAL_REFUSED", why));
        }
        let pair = (request.user_id.clone(), request.code.clone());
        let replayed = self.promotions.invited.contains(&pair);
        if !replayed {
            self.promotions.invited.push(pair);
        }
        Ok(AcceptReferralResponse { invitee_operations: self.promotions.gifts.1, replayed })
    }
}

#[tonic::async_trait]
impl PromotionService for Billing {
    async fn redeem_promo_code(
        &self,
        request: Request<RedeemPromoCodeRequest>,
    ) -> Answer<RedeemPromoCodeResponse> {
        let answer = self.books().redeem(request.get_ref());
        self.hang_at(Hang::Redeem).await;
        answer.map(Response::new)
    }

    async fn get_referral(
        &self,
        request: Request<GetReferralRequest>,
    ) -> Answer<GetReferralResponse> {
        let code = format!("code{}", request.into_inner().user_id.replace(':', ""));
        let books = self.books();
        let (inviter_operations, invitee_operations) = books.promotions.gifts;
        let came = books.promotions.invited.iter().filter(|(_, by)| *by == code);
        Ok(Response::new(GetReferralResponse {
            invited: came.count() as i64,
            code,
            rewarded: 0,
            inviter_operations,
            invitee_operations,
        }))
    }

    async fn accept_referral(
        &self,
        request: Request<AcceptReferralRequest>,
    ) -> Answer<AcceptReferralResponse> {
        self.books().accept(request.get_ref()).map(Response::new)
    }
}
