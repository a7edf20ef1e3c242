//! The rows of promo codes and referrals.

use super::super::{OwnReferralCode, PromoCode, PromoCodeName, Redemption, Referral, UserId};
use super::Draft;

impl Draft<'_> {
    pub(in crate::ledger) fn promo_code(&self, code: &PromoCodeName) -> Option<&PromoCode> {
        self.promo_codes.get(code)
    }

    pub(in crate::ledger) fn add_promo_code(&mut self, promo_code: PromoCode) {
        self.promo_codes.add(promo_code.code.clone(), promo_code);
    }

    pub(in crate::ledger) fn redemption(
        &self,
        user_id: &UserId,
        code: &PromoCodeName,
    ) -> Option<&Redemption> {
        self.redemptions.get(&(user_id.clone(), code.clone()))
    }

    /// Keeps a redemption and counts it.
    pub(in crate::ledger) fn redeem(&mut self, redemption: Redemption) {
        if let Some(promo_code) = self.promo_codes.change(&redemption.code) {
            promo_code.redemptions += 1;
        }
        self.redemptions.add((redemption.user_id.clone(), redemption.code.clone()), redemption);
    }

    /// By whom this user was invited.
    pub(in crate::ledger) fn referral(&self, user_id: &UserId) -> Option<&Referral> {
        self.referrals.get(user_id)
    }

    /// Has this user invited anybody?
    pub(in crate::ledger) fn has_invited(&self, user_id: &UserId) -> bool {
        self.inviters.contains(user_id)
    }

    pub(in crate::ledger) fn add_referral(&mut self, referral: Referral) {
        self.inviters.insert(referral.inviter.clone());
        self.referrals.add(referral.user_id.clone(), referral);
    }

    pub(in crate::ledger) fn update_referral(&mut self, mut referral: Referral) {
        referral.update_time = self.now;
        self.referrals.update(referral.user_id.clone(), referral);
    }

    pub(in crate::ledger) fn referral_code(&self, user_id: &UserId) -> Option<&OwnReferralCode> {
        self.referral_codes.get(user_id)
    }

    pub(in crate::ledger) fn add_referral_code(&mut self, code: OwnReferralCode) {
        self.referral_codes.add(code.user_id.clone(), code);
    }
}
