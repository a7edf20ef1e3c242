//! Promo codes and referrals.

use super::{Answer, Reference};
use crate::ledger::model_test::journal::Fact;
use crate::ledger::*;

impl Reference {
    pub(super) fn make_promo_code(
        &mut self,
        asked: &PromoCode,
        by: &Administrator,
        now: Timestamp,
    ) -> Answer {
        let before = self.asked_before(by, None, |first| match first {
            AdminAction::CreatePromoCode(first) => Some(vec![
                ("promo_code.code", first.code != asked.code),
                ("promo_code.campaign", first.campaign != asked.campaign),
                ("promo_code.credits", first.credits != asked.credits),
                ("promo_code.priority", first.priority != asked.priority),
                ("promo_code.max_redemptions", first.max_redemptions != asked.max_redemptions),
                ("promo_code.expire_time", first.expire_time != asked.expire_time),
                (
                    "promo_code.grant_expire_time",
                    first.grant_expire_time != asked.grant_expire_time,
                ),
            ]),
            _ => None,
        })?;
        if before.is_none() {
            if self.journal.promo_code(&asked.code).is_some() {
                return Err(Rejection::PromoCodeExists);
            }
            let over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
            for (field, over) in [
                ("promo_code.expire_time", over(asked.expire_time)),
                ("promo_code.grant_expire_time", over(asked.grant_expire_time)),
            ] {
                if over {
                    return Err(Rejection::InvalidField { field, takes: "" });
                }
            }
            let made = PromoCode { redemptions: 0, create_time: now, ..asked.clone() };
            self.journal.0.push(Fact::PromoCodeMade(made.clone()));
            self.keep(by, None, AdminAction::CreatePromoCode(made), now);
        }
        let promo_code = self.journal.promo_code(&asked.code).expect("it was made");
        Ok(Outcome::PromoCode { promo_code, replayed: before.is_some() })
    }

    pub(super) fn redeem(
        &mut self,
        user_id: &UserId,
        code: &PromoCodeName,
        grant_id: GrantId,
        now: Timestamp,
    ) -> Answer {
        let mine = |r: &Redemption| r.user_id == *user_id && r.code == *code;
        if let Some(first) = self.journal.redemptions().into_iter().find(mine) {
            return Ok(self.granted(user_id, first.grant_id, true, now));
        }
        if self.journal.standing(user_id) == Standing::Blocked {
            return Err(Rejection::Blocked);
        }
        let promo_code = self.journal.promo_code(code).ok_or(Rejection::PromoCodeNotFound)?;
        let over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
        if over(promo_code.expire_time) || over(promo_code.grant_expire_time) {
            return Err(Rejection::PromoCodeExpired);
        }
        if promo_code.redemptions == promo_code.max_redemptions {
            return Err(Rejection::PromoCodeUsedUp);
        }
        self.write(user_id, now);
        let PromoCode { credits, priority, grant_expire_time, .. } = promo_code;
        self.give(user_id, grant_id, credits, GrantKind::Promo, priority, grant_expire_time, now);
        self.journal.0.push(Fact::Redeemed(Redemption {
            user_id: user_id.clone(),
            code: code.clone(),
            grant_id,
            create_time: now,
        }));
        Ok(self.granted(user_id, grant_id, false, now))
    }

    pub(super) fn make_code(
        &mut self,
        user_id: &UserId,
        code: &ReferralCode,
        now: Timestamp,
    ) -> Answer {
        if self.journal.own_code(user_id).is_none() {
            self.write(user_id, now);
            let (user_id, code) = (user_id.clone(), code.clone());
            self.journal.0.push(Fact::CodeMade(OwnReferralCode {
                user_id,
                code,
                create_time: now,
            }));
        }
        let code = self.journal.own_code(user_id).expect("it was made");
        Ok(Outcome::ReferralCode { code })
    }

    pub(super) fn accept(&mut self, user_id: &UserId, inviter: &UserId, now: Timestamp) -> Answer {
        let referrals = self.journal.referrals();
        let mine = referrals.iter().find(|referral| referral.user_id == *user_id);
        if mine.is_some_and(|mine| mine.inviter == *inviter) {
            return Ok(Outcome::Referred { replayed: true });
        }
        if self.journal.standing(user_id) == Standing::Blocked {
            return Err(Rejection::Blocked);
        }
        let refusals = [
            (ReferralRefusal::Own, user_id == inviter),
            (ReferralRefusal::Invited, mine.is_some()),
            (ReferralRefusal::Customer, self.journal.topups(user_id) > 0),
            (ReferralRefusal::Loop, referrals.iter().any(|r| r.inviter == *user_id)),
        ];
        if let Some((why, _)) = refusals.into_iter().find(|(_, refused)| *refused) {
            return Err(Rejection::ReferralRefused { why });
        }
        self.write(user_id, now);
        self.journal.0.push(Fact::Invited(Referral {
            user_id: user_id.clone(),
            inviter: inviter.clone(),
            state: ReferralState::Accepted,
            create_time: now,
            update_time: now,
        }));
        Ok(Outcome::Referred { replayed: false })
    }

    pub(super) fn reward(&mut self, user_id: &UserId, invitee: &UserId, now: Timestamp) -> Answer {
        let referrals = self.journal.referrals();
        let earned = referrals.iter().any(|referral| {
            referral.user_id == *invitee
                && referral.inviter == *user_id
                && referral.state == ReferralState::Earned
        });
        if earned {
            self.write(user_id, now);
            self.journal.0.push(Fact::Rewarded(invitee.clone()));
            let amount = self.policy.referral.inviter_operations;
            self.give_operations(user_id, GrantId::inviter(invitee), amount, now);
        }
        Ok(Outcome::Swept { changed: earned })
    }

    /// To an invited user, whose first payment was credited now.
    pub(super) fn thank_invited(&mut self, user_id: &UserId, now: Timestamp) {
        if self.journal.referrals().iter().any(|referral| referral.user_id == *user_id) {
            let amount = self.policy.referral.invitee_operations;
            self.give_operations(user_id, GrantId::invited(user_id), amount, now);
        }
    }

    fn give_operations(&mut self, user_id: &UserId, id: GrantId, amount: i64, now: Timestamp) {
        if amount > 0 {
            let credits = Credits { unit: Unit::Operation, amount };
            self.give(user_id, id, credits, GrantKind::Promo, 100, None, now);
        }
    }
}
