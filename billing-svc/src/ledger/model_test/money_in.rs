//! What holds for payments, refunds, promo codes and referrals at every moment: I8, and that each number has its entries.

use std::collections::BTreeSet;

use super::memory::Memory;
use crate::ledger::*;

/// Panics with what is broken.
pub fn check(memory: &Memory) {
    for payment in memory.payments.values() {
        check_fields(payment);
        check_money(memory, payment);
        check_state(memory, payment);
    }
    for provider in Provider::ALL {
        let account = Account::Topups(provider);
        let payments = memory.payments.values().filter(|payment| payment.provider == provider);
        let credited: i128 = payments.map(|payment| net(memory, payment)).sum();
        assert_eq!(flow(memory, &account, None), credited, "{account} by its payments");
    }
    for user in memory.users.values() {
        let mine = memory.payments.values().filter(|payment| payment.user_id == user.user_id);
        let credited = mine.filter(|payment| payment.credit_time.is_some()).count();
        assert_eq!(user.topups, credited as i64, "topups of {}", user.user_id);
    }
    check_promotions(memory);
}

/// What a step may not do to what was there before it.
pub fn check_history(before: &Memory, after: &Memory) {
    assert!(after.events.starts_with(&before.events), "events are appended, never changed");
    for old in before.payments.values() {
        let new = &after.payments[&old.payment_id];
        let kept = |payment: &Payment| Payment {
            state: old.state,
            confirmation_url: None,
            parked: None,
            next_check: None,
            checks: 0,
            update_time: old.update_time,
            ..payment.clone()
        };
        let mut may = kept(old);
        if old.provider_payment_id.is_none() {
            may.provider_payment_id.clone_from(&new.provider_payment_id);
        }
        if old.paid_time.is_none() {
            (may.paid_time, may.method) = (new.paid_time, new.method.clone());
            may.received.clone_from(&new.received);
        }
        if old.credit_time.is_none() {
            (may.credit_time, may.credited) = (new.credit_time, new.credited);
        }
        assert_eq!(may, kept(new), "I8: what was promised, paid and credited never changes");
        assert!(old.paid_time.is_none() || new.paid_time.is_some());
    }
    for old in before.payment_refunds.values() {
        let new = &after.payment_refunds[&(old.payment_id, old.refund_id)];
        assert_eq!((old.origin, &old.price), (new.origin, &new.price));
        // Until the provider answers, the name of a refund that we asked for is a guess by its amount.
        let ours = matches!(old.origin, RefundOrigin::Admin | RefundOrigin::Rule);
        let guessed = ours && old.state == RefundState::Pending;
        let kept = old.provider_refund_id == new.provider_refund_id;
        assert!(kept || guessed || old.provider_refund_id.is_none(), "a refund keeps its name");
        assert!(old.state == RefundState::Pending || new.state != RefundState::Pending);
    }
}

fn check_fields(payment: &Payment) {
    use PaymentState::{Canceled, Created, Expired, Paid, Pending};
    let unpaid = matches!(payment.state, Created | Pending | Canceled | Expired);
    assert_eq!(payment.received.is_none(), unpaid, "{payment:?}");
    assert_eq!(payment.paid_time.is_none(), unpaid, "{payment:?}");
    assert!(unpaid || payment.provider_payment_id.is_some(), "{payment:?}");
    assert!(payment.parked.is_none() || payment.state == Paid, "{payment:?}");
    let asked = matches!(payment.state, Created | Pending);
    assert!(asked || payment.next_check.is_none(), "{payment:?}");
    assert_eq!(payment.credit_time.is_some(), payment.credited > Amount::ZERO, "{payment:?}");
}

/// What of a payment is in the balance or was spent.
fn net(memory: &Memory, payment: &Payment) -> i128 {
    let taken: i128 = memory
        .refunds_of(payment.payment_id)
        .filter(|refund| refund.state != RefundState::Reversed)
        .map(|refund| i128::from(refund.amount.micros()))
        .sum();
    i128::from(payment.credited.micros()) - taken
}

/// What came out of an account of the house, less what went back into it.
fn flow(memory: &Memory, account: &Account, of: Option<&Reference>) -> i128 {
    let entries = memory.entries.iter().filter(|entry| of.is_none_or(|of| entry.reference == *of));
    let entries = entries.map(|entry| {
        let amount = i128::from(entry.amount);
        i128::from(entry.from == *account) * amount - i128::from(entry.to == *account) * amount
    });
    entries.sum()
}

/// I8 by the entries: a payment moved what was credited, less what was taken back, and nothing else.
fn check_money(memory: &Memory, payment: &Payment) {
    let net = net(memory, payment);
    assert!(net >= 0, "more was taken back than credited: {payment:?}");
    let reference = Reference::Payment(payment.payment_id);
    let account = Account::Topups(payment.provider);
    assert_eq!(flow(memory, &account, Some(&reference)), net, "I8: {payment:?}");
    for entry in memory.entries.iter().filter(|entry| entry.reference == reference) {
        let ours = [&entry.from, &entry.to].into_iter().collect::<BTreeSet<_>>();
        assert_eq!(ours, BTreeSet::from([&account, &Account::Available]), "I8: {entry:?}");
        assert_eq!(entry.user_id, payment.user_id, "I8: {entry:?}");
    }
}

fn check_state(memory: &Memory, payment: &Payment) {
    let counting = || {
        let refunds = memory.refunds_of(payment.payment_id);
        refunds.filter(|refund| refund.state != RefundState::Reversed)
    };
    for refund in memory.refunds_of(payment.payment_id) {
        assert_eq!(refund.user_id, payment.user_id);
        assert_eq!(refund.settle_time.is_none(), refund.state == RefundState::Pending);
        assert!(refund.next_try.is_none() || refund.state == RefundState::Pending, "{refund:?}");
        let credited = payment.credit_time.is_some();
        assert!(credited || refund.amount.is_zero(), "taken before it was given: {refund:?}");
    }
    let received = payment.received.as_ref().map_or(0, |received| received.amount.micros());
    let back: i128 = counting().map(|refund| i128::from(refund.price.amount.micros().max(0))).sum();
    let all_back = back >= i128::from(received) && counting().next().is_some();
    let disputed = |refund: &PaymentRefund| {
        refund.origin == RefundOrigin::Dispute && refund.state == RefundState::Pending
    };
    if payment.credit_time.is_some() {
        assert!(!all_back || net(memory, payment) == 0, "all went back, not all was taken");
        let expected = if counting().any(disputed) {
            PaymentState::Disputed
        } else if counting().any(|refund| !refund.amount.is_zero()) {
            PaymentState::Refunded
        } else {
            PaymentState::Credited
        };
        assert_eq!(payment.state, expected, "{payment:?}");
    } else if payment.paid_time.is_some() {
        let under_way = counting().any(|refund| refund.state == RefundState::Pending);
        let over = all_back && !under_way;
        let expected = if over { PaymentState::Refunded } else { PaymentState::Paid };
        assert_eq!(payment.state, expected, "{payment:?}");
    } else {
        assert_eq!(counting().count(), 0, "nobody gives back what nobody paid");
    }
}

fn check_promotions(memory: &Memory) {
    for code in memory.promo_codes.values() {
        let redeemed = memory.redemptions.values().filter(|r| r.code == code.code).count();
        assert_eq!(code.redemptions, redeemed as i64, "redemptions of {}", code.code);
        assert!(code.redemptions <= code.max_redemptions, "{} was given too often", code.code);
    }
    for redemption in memory.redemptions.values() {
        let grant = &memory.grants[&(redemption.user_id.clone(), redemption.grant_id)];
        let credits = memory.promo_codes[&redemption.code].credits;
        assert_eq!((grant.unit, grant.given), (credits.unit, credits.amount));
    }
    let rewards = memory.policy.referral;
    for referral in memory.referrals.values() {
        let given = |user: &UserId, id| memory.grants.contains_key(&(user.clone(), id));
        let invited = given(&referral.user_id, GrantId::invited(&referral.user_id));
        let inviter = given(&referral.inviter, GrantId::inviter(&referral.user_id));
        let earned = referral.state != ReferralState::Accepted;
        let rewarded = referral.state == ReferralState::Rewarded;
        assert_eq!(invited, earned && rewards.invitee_operations > 0, "{referral:?}");
        assert_eq!(inviter, rewarded && rewards.inviter_operations > 0, "{referral:?}");
        assert_eq!(memory.users[&referral.user_id].topups > 0, earned, "{referral:?}");
        let mut above = &referral.inviter;
        for _ in 0..memory.referrals.len() {
            assert_ne!(*above, referral.user_id, "a circle of invitations");
            let Some(next) = memory.referrals.get(above) else { break };
            above = &next.inviter;
        }
    }
}
