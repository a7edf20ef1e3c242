//! What a batch needs to see.

use super::{Command, Needs, Observation, Policy};

/// What the store has to load before [`super::decide()`] can run.
pub fn needs<'a>(policy: &Policy, batch: impl IntoIterator<Item = &'a Command>) -> Needs {
    let mut needs = Needs::default();
    for command in batch {
        needs.users.extend(command.user_id().cloned());
        add(&mut needs, command);
        if let Command::Charge(charge) = command {
            // Counted only where a limit asks for it: most deployments never pay for these queries.
            let limits = &policy.limits;
            needs.open_holds.extend(limits.open_holds.map(|_| charge.user_id.clone()));
            needs.daily_spend.extend(limits.daily_spend.map(|_| charge.user_id.clone()));
        }
    }
    needs
}

fn add(needs: &mut Needs, command: &Command) {
    match command {
        Command::Charge(charge) => {
            needs.charges.insert(charge.request_id.clone());
        }
        Command::Complete { operation_id, .. }
        | Command::Refund { operation_id, .. }
        | Command::ExtendHold { operation_id, .. }
        | Command::Expire { operation_id, .. } => {
            needs.operations.insert(*operation_id);
        }
        Command::ExpireGrant { user_id, grant_id }
        | Command::AnnounceExpiry { user_id, grant_id } => {
            needs.grants.insert((user_id.clone(), *grant_id));
        }
        Command::AdjustBalance { request_id, .. } => {
            needs.admin_requests.insert(request_id.clone());
        }
        Command::GrantCredits(grant) => {
            needs.admin_requests.insert(grant.request_id.clone());
        }
        Command::SetStanding { by, .. } => {
            needs.admin_requests.insert(by.request_id.clone());
        }
        Command::RevokeGrant { user_id, grant_id, by } => {
            needs.admin_requests.insert(by.request_id.clone());
            needs.grants.insert((user_id.clone(), *grant_id));
        }
        Command::PublishPrices { by, .. } => {
            needs.admin_requests.insert(by.request_id.clone());
            needs.prices = true;
        }
        Command::CreatePromoCode { promo_code, by } => {
            needs.admin_requests.insert(by.request_id.clone());
            needs.promo_codes.insert(promo_code.code.clone());
        }
        Command::CreatePayment(payment) => {
            needs.payment_requests.insert(payment.request_id.clone());
        }
        Command::OpenPayment { payment_id, .. }
        | Command::ClosePayment { payment_id, .. }
        | Command::ScheduleCheck { payment_id, .. }
        | Command::SettleRefund { payment_id, .. } => {
            needs.payments.insert(*payment_id);
        }
        Command::ObservePayment(Observation { payment_id, provider, report, .. }) => {
            needs.payments.insert(*payment_id);
            needs.provider_payments.insert((*provider, report.provider_payment_id.clone()));
        }
        Command::CreditPayment { user_id, payment_id, by } => {
            needs.payments.insert(*payment_id);
            needs.referrals.insert(user_id.clone());
            needs.admin_requests.extend(by.iter().map(|(by, _)| by.request_id.clone()));
        }
        Command::RefundPayment { payment_id, by, .. }
        | Command::RecordDispute { payment_id, by, .. } => {
            needs.payments.insert(*payment_id);
            needs.admin_requests.insert(by.request_id.clone());
        }
        Command::RedeemPromoCode { user_id, code, .. } => {
            needs.promo_codes.insert(code.clone());
            needs.redemptions.insert((user_id.clone(), code.clone()));
        }
        Command::MakeReferralCode { user_id, .. } => {
            needs.referral_codes.insert(user_id.clone());
        }
        Command::AcceptReferral { user_id, inviter } => {
            needs.users.insert(inviter.clone());
            needs.referrals.insert(user_id.clone());
            needs.inviters.insert(user_id.clone());
        }
        Command::RewardReferral { invitee, .. } => {
            needs.users.insert(invitee.clone());
            needs.referrals.insert(invitee.clone());
        }
    }
}
