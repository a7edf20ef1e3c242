//! The door of the ledger: what a batch decides. What it needs to see is in [`super::needs()`].

use super::draft::Draft;
use super::payback::Asked;
use super::{
    Changes, Command, Outcome, Policy, Rejection, State, Timestamp, adjust, announce, charge,
    credit, house, observe, payback, promote, refer, settle, topup,
};

/// What a batch decided: an outcome for each command, in order, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// One for each command.
    pub outcomes: Vec<Result<Outcome, Rejection>>,
    /// All of it or nothing.
    pub changes: Changes,
}

/// Decides a batch, each command seeing what those before it did. `now` is the time of the whole batch.
pub fn decide<'a>(
    policy: &Policy,
    state: State,
    batch: impl IntoIterator<Item = &'a Command>,
    now: Timestamp,
) -> Decision {
    let mut draft = Draft::new(policy, state, now);
    let mut outcomes = Vec::new();
    for command in batch {
        outcomes.push(obey(&mut draft, command));
        draft.end_command();
    }
    Decision { outcomes, changes: draft.into_changes() }
}

fn obey(draft: &mut Draft, command: &Command) -> Result<Outcome, Rejection> {
    use Command as C;
    match command {
        C::Charge(command) => charge::charge(draft, command),
        C::Complete { operation_id, .. } => settle::complete(draft, *operation_id),
        C::Refund { operation_id, reason, comment, amount, right, .. } => {
            settle::refund(draft, *operation_id, *reason, comment, *amount, right)
        }
        C::ExtendHold { operation_id, hold, .. } => {
            settle::extend_hold(draft, *operation_id, *hold)
        }
        C::Expire { operation_id, .. } => settle::expire(draft, *operation_id),
        C::ExpireGrant { user_id, grant_id } => settle::expire_grant(draft, user_id, *grant_id),
        C::AnnounceExpiry { user_id, grant_id } => announce::expiry(draft, user_id, *grant_id),

        C::AdjustBalance { user_id, request_id, amount, reason, caller } => {
            adjust::adjust_balance(draft, user_id, request_id, *amount, reason, caller)
        }
        C::GrantCredits(command) => adjust::grant_credits(draft, command),
        C::RevokeGrant { user_id, grant_id, by } => {
            adjust::revoke_grant(draft, user_id, *grant_id, by)
        }
        C::SetStanding { user_id, standing, by } => {
            house::set_standing(draft, user_id, *standing, by)
        }
        C::PublishPrices { prices, by } => house::publish_prices(draft, prices, by),
        C::CreatePromoCode { promo_code, by } => house::create_promo_code(draft, promo_code, by),

        C::CreatePayment(new) => topup::create(draft, new),
        C::OpenPayment { user_id, payment_id, provider_payment_id, confirmation_url } => {
            let (name, url) = (provider_payment_id.as_ref(), confirmation_url.as_ref());
            topup::open(draft, user_id, *payment_id, name, url)
        }
        C::ClosePayment { user_id, payment_id, closing } => {
            topup::close(draft, user_id, *payment_id, *closing)
        }
        C::ScheduleCheck { user_id, payment_id, checks, next } => {
            topup::schedule(draft, user_id, *payment_id, *checks, *next)
        }
        C::ObservePayment(observation) => observe::observe(draft, observation),
        C::CreditPayment { user_id, payment_id, by: None } => {
            credit::by_rule(draft, user_id, *payment_id)
        }
        C::CreditPayment { user_id, payment_id, by: Some((by, amount)) } => {
            credit::by_administrator(draft, user_id, *payment_id, *amount, by)
        }
        C::RefundPayment { user_id, payment_id, refund_id, amount, whole_only, by } => {
            let asked = Asked::new(user_id, *payment_id, *refund_id, *amount, by);
            payback::refund(draft, &asked, *whole_only)
        }
        C::RecordDispute { user_id, payment_id, refund_id, outcome, amount, by } => {
            let asked = Asked::new(user_id, *payment_id, *refund_id, *amount, by);
            payback::dispute(draft, &asked, *outcome)
        }
        C::SettleRefund { user_id, payment_id, refund_id, answer } => {
            payback::settle(draft, user_id, *payment_id, *refund_id, answer)
        }

        C::RedeemPromoCode { user_id, code, grant_id } => {
            promote::redeem(draft, user_id, code, *grant_id)
        }
        C::MakeReferralCode { user_id, code } => refer::make_code(draft, user_id, code),
        C::AcceptReferral { user_id, inviter } => refer::accept(draft, user_id, inviter),
        C::RewardReferral { user_id, invitee } => refer::reward_inviter(draft, user_id, invitee),
    }
}
