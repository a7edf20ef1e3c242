//! Promo codes and referrals, read from the journal.

use super::{Fact, Journal};
use crate::ledger::*;

impl Journal {
    pub fn promo_code(&self, code: &PromoCodeName) -> Option<PromoCode> {
        let mut found = self.0.iter().find_map(|fact| match fact {
            Fact::PromoCodeMade(promo_code) if promo_code.code == *code => Some(promo_code.clone()),
            _ => None,
        })?;
        let redeemed = self.redemptions().into_iter().filter(|r| r.code == *code);
        found.redemptions = redeemed.count() as i64;
        Some(found)
    }

    pub fn redemptions(&self) -> Vec<Redemption> {
        let redeemed = self.0.iter().filter_map(|fact| match fact {
            Fact::Redeemed(redemption) => Some(redemption.clone()),
            _ => None,
        });
        redeemed.collect()
    }

    /// All referrals as they stand; when they last changed is left out.
    pub fn referrals(&self) -> Vec<Referral> {
        let accepted = self.0.iter().filter_map(|fact| match fact {
            Fact::Invited(referral) => Some(referral.clone()),
            _ => None,
        });
        let stands = |mut referral: Referral| {
            let rewarded =
                |fact: &Fact| matches!(fact, Fact::Rewarded(id) if *id == referral.user_id);
            if self.0.iter().any(rewarded) {
                referral.state = ReferralState::Rewarded;
            } else if self.topups(&referral.user_id) > 0 {
                referral.state = ReferralState::Earned;
            }
            referral
        };
        accepted.map(stands).collect()
    }

    pub fn own_code(&self, user: &UserId) -> Option<ReferralCode> {
        self.0.iter().find_map(|fact| match fact {
            Fact::CodeMade(own) if own.user_id == *user => Some(own.code.clone()),
            _ => None,
        })
    }
}
