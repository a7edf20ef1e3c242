//! Who invited whom, and what both get for it.

use super::adjust::present;
use super::draft::Draft;
use super::{
    GiftCause, Grant, GrantId, GrantKind, Outcome, OwnReferralCode, Reference, Referral,
    ReferralCode, ReferralRefusal, ReferralState, Rejection, Standing, Unit, UserId,
};

/// Where grants of referrals stand in the order of spending.
const PRIORITY: i32 = 100;

pub(super) fn make_code(
    draft: &mut Draft,
    user_id: &UserId,
    code: &ReferralCode,
) -> Result<Outcome, Rejection> {
    if let Some(own) = draft.referral_code(user_id) {
        return Ok(Outcome::ReferralCode { code: own.code.clone() });
    }
    draft.write_user(user_id);
    draft.add_referral_code(OwnReferralCode {
        user_id: user_id.clone(),
        code: code.clone(),
        create_time: draft.now(),
    });
    Ok(Outcome::ReferralCode { code: code.clone() })
}

/// Both users are locked, so that two who invite each other at the same moment can't close a circle: whoever was
/// invited has invited nobody before.
pub(super) fn accept(
    draft: &mut Draft,
    user_id: &UserId,
    inviter: &UserId,
) -> Result<Outcome, Rejection> {
    if let Some(referral) = draft.referral(user_id)
        && referral.inviter == *inviter
    {
        return Ok(Outcome::Referred { replayed: true });
    }
    if draft.standing(user_id) == Standing::Blocked {
        return Err(Rejection::Blocked);
    }
    if let Some(why) = refusal(draft, user_id, inviter) {
        return Err(Rejection::ReferralRefused { why });
    }
    draft.write_user(user_id);
    draft.add_referral(Referral {
        user_id: user_id.clone(),
        inviter: inviter.clone(),
        state: ReferralState::Accepted,
        create_time: draft.now(),
        update_time: draft.now(),
    });
    Ok(Outcome::Referred { replayed: false })
}

/// The order is the order of precedence.
fn refusal(draft: &Draft, user_id: &UserId, inviter: &UserId) -> Option<ReferralRefusal> {
    if user_id == inviter {
        Some(ReferralRefusal::Own)
    } else if draft.referral(user_id).is_some() {
        Some(ReferralRefusal::Invited)
    } else if draft.topups(user_id) > 0 {
        Some(ReferralRefusal::Customer)
    } else if draft.has_invited(user_id) {
        Some(ReferralRefusal::Loop)
    } else {
        None
    }
}

/// The first top-up of an invited user: they get their grant, and the one who invited has earned theirs. That one is
/// another user, and gets it by a command of their own.
pub(super) fn first_topup(draft: &mut Draft, user_id: &UserId) {
    let Some(referral) = draft.referral(user_id).cloned() else { return };
    match referral.state {
        ReferralState::Accepted => {}
        ReferralState::Earned | ReferralState::Rewarded => return,
    }
    draft.update_referral(Referral { state: ReferralState::Earned, ..referral });
    let operations = draft.policy().referral.invitee_operations;
    reward(draft, user_id, GrantId::invited(user_id), operations, GiftCause::Invited);
}

pub(super) fn reward_inviter(
    draft: &mut Draft,
    user_id: &UserId,
    invitee: &UserId,
) -> Result<Outcome, Rejection> {
    let earned = |referral: &&Referral| {
        referral.inviter == *user_id && referral.state == ReferralState::Earned
    };
    let Some(referral) = draft.referral(invitee).filter(earned).cloned() else {
        return Ok(Outcome::Swept { changed: false });
    };
    draft.write_user(user_id);
    draft.update_referral(Referral { state: ReferralState::Rewarded, ..referral });
    let operations = draft.policy().referral.inviter_operations;
    reward(draft, user_id, GrantId::inviter(invitee), operations, GiftCause::Inviter);
    Ok(Outcome::Swept { changed: true })
}

fn reward(
    draft: &mut Draft,
    user_id: &UserId,
    grant_id: GrantId,
    operations: i64,
    cause: GiftCause,
) {
    if operations <= 0 {
        return;
    }
    let grant = Grant {
        grant_id,
        user_id: user_id.clone(),
        kind: GrantKind::Promo,
        unit: Unit::Operation,
        given: operations,
        remaining: operations,
        priority: PRIORITY,
        create_time: draft.now(),
        expire_time: None,
        announced: false,
    };
    present(draft, grant, Reference::Rule, cause);
}
