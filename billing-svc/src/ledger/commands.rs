//! What can be asked of the ledger.

use std::time::Duration;

use super::{
    Administrator, Amount, Charge, Closing, DisputeOutcome, GrantCredits, GrantId, NewPayment,
    Observation, OperationId, PaymentId, Price, PromoCode, PromoCodeName, ReferralCode,
    RefundAnswer, RefundId, RefundReason, RefundRight, RequestId, Standing, Timestamp, UserId,
};

/// One thing asked of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Takes and holds.
    Charge(Charge),
    /// The result was delivered.
    Complete {
        /// Whose operation: looked up before, it never changes.
        user_id: UserId,
        /// Which.
        operation_id: OperationId,
    },
    /// Gives back.
    Refund {
        /// Whose operation.
        user_id: UserId,
        /// Which.
        operation_id: OperationId,
        /// Why.
        reason: RefundReason,
        /// Why, for people.
        comment: String,
        /// Only this much of a completed operation's money.
        amount: Option<Amount>,
        /// What the caller may.
        right: RefundRight,
    },
    /// Holds on for longer.
    ExtendHold {
        /// Whose operation.
        user_id: UserId,
        /// Which.
        operation_id: OperationId,
        /// From now.
        hold: Duration,
    },
    /// The sweeper found a hold whose time is up.
    Expire {
        /// Whose operation.
        user_id: UserId,
        /// Which.
        operation_id: OperationId,
    },
    /// The sweeper found a grant whose time is up.
    ExpireGrant {
        /// Whose.
        user_id: UserId,
        /// Which.
        grant_id: GrantId,
    },
    /// Moves a user's own money.
    AdjustBalance {
        /// Whose.
        user_id: UserId,
        /// The administrator's id of this request.
        request_id: RequestId,
        /// Not zero; below zero takes.
        amount: Amount,
        /// Why, for people.
        reason: String,
        /// Who asked.
        caller: String,
    },
    /// Gives something to spend.
    GrantCredits(GrantCredits),
    /// Takes back what is left of a grant.
    RevokeGrant {
        /// Whose.
        user_id: UserId,
        /// Which.
        grant_id: GrantId,
        /// Who asks.
        by: Administrator,
    },
    /// Blocks a user, or lets them be charged again.
    SetStanding {
        /// Whom.
        user_id: UserId,
        /// Good (in debt where they owe) or blocked.
        standing: Standing,
        /// Who asks.
        by: Administrator,
    },
    /// Publishes a whole price list.
    PublishPrices {
        /// In the order in which people see them.
        prices: Vec<Price>,
        /// Who asks.
        by: Administrator,
    },
    /// Makes a promo code.
    CreatePromoCode {
        /// With no redemptions; its `create_time` is not read.
        promo_code: PromoCode,
        /// Who asks.
        by: Administrator,
    },
    /// Makes a payment.
    CreatePayment(NewPayment),
    /// The provider knows the payment: it can be paid.
    OpenPayment {
        /// Whose.
        user_id: UserId,
        /// Which.
        payment_id: PaymentId,
        /// The provider's name for it, where it has one before it is paid.
        provider_payment_id: Option<String>,
        /// Where the user pays.
        confirmation_url: Option<String>,
    },
    /// Ends a payment that nobody has paid.
    ClosePayment {
        /// Whose.
        user_id: UserId,
        /// Which.
        payment_id: PaymentId,
        /// How.
        closing: Closing,
    },
    /// The provider was asked on schedule; when next. Without a next time, a payment that nobody has paid expires.
    ScheduleCheck {
        /// Whose.
        user_id: UserId,
        /// Which.
        payment_id: PaymentId,
        /// The `checks` that the schedule was read at: another instance may have been faster.
        checks: i64,
        /// When next.
        next: Option<Timestamp>,
    },
    /// Follows what the provider says: notes that it was paid or canceled, and what was given back.
    ObservePayment(Observation),
    /// Credits a payment that is paid.
    CreditPayment {
        /// Whose.
        user_id: UserId,
        /// Which.
        payment_id: PaymentId,
        /// An administrator who credits a parked one, and how much where it is not what was promised.
        by: Option<(Administrator, Option<Amount>)>,
    },
    /// Takes money of a payment from the balance, to be given back by the provider.
    RefundPayment {
        /// Whose.
        user_id: UserId,
        /// Which.
        payment_id: PaymentId,
        /// The id that the refund gets if it is new.
        refund_id: RefundId,
        /// How much; all that is left of what was credited where absent.
        amount: Option<Amount>,
        /// Only whole payments can be given back by this provider.
        whole_only: bool,
        /// Who asks.
        by: Administrator,
    },
    /// What the provider answered to a refund that was asked of it.
    SettleRefund {
        /// Whose.
        user_id: UserId,
        /// Of which payment.
        payment_id: PaymentId,
        /// Which.
        refund_id: RefundId,
        /// What it answered.
        answer: RefundAnswer,
    },
    /// What is known of a chargeback by letter only.
    RecordDispute {
        /// Whose.
        user_id: UserId,
        /// Which.
        payment_id: PaymentId,
        /// The id that the dispute gets where it is opened.
        refund_id: RefundId,
        /// What happened.
        outcome: DisputeOutcome,
        /// How much, where it is opened.
        amount: Option<Amount>,
        /// Who asks.
        by: Administrator,
    },
    /// Gives what a promo code promises.
    RedeemPromoCode {
        /// To whom.
        user_id: UserId,
        /// The code.
        code: PromoCodeName,
        /// The id that the grant gets if it is new.
        grant_id: GrantId,
    },
    /// Gives a user a referral code of their own, if they have none.
    MakeReferralCode {
        /// Whom.
        user_id: UserId,
        /// The code, if it is the first.
        code: ReferralCode,
    },
    /// Notes who invited a user.
    AcceptReferral {
        /// Who came.
        user_id: UserId,
        /// The one whose code it was: looked up before, it never changes.
        inviter: UserId,
    },
    /// Gives the one who invited what was earned.
    RewardReferral {
        /// The one who invited.
        user_id: UserId,
        /// Who came and has topped up.
        invitee: UserId,
    },
    /// Tells a user that a grant will end soon.
    AnnounceExpiry {
        /// Whose.
        user_id: UserId,
        /// Which.
        grant_id: GrantId,
    },
}

impl Command {
    /// The user whose rows the command changes; none where it is about no user. A command about two users names the
    /// one whose balance it changes.
    pub fn user_id(&self) -> Option<&UserId> {
        Some(match self {
            Self::PublishPrices { .. } | Self::CreatePromoCode { .. } => return None,
            Self::Charge(charge) => &charge.user_id,
            Self::GrantCredits(grant) => &grant.user_id,
            Self::CreatePayment(payment) => &payment.user_id,
            Self::ObservePayment(observation) => &observation.user_id,
            Self::Complete { user_id, .. }
            | Self::Refund { user_id, .. }
            | Self::ExtendHold { user_id, .. }
            | Self::Expire { user_id, .. }
            | Self::ExpireGrant { user_id, .. }
            | Self::AdjustBalance { user_id, .. }
            | Self::RevokeGrant { user_id, .. }
            | Self::SetStanding { user_id, .. }
            | Self::OpenPayment { user_id, .. }
            | Self::ClosePayment { user_id, .. }
            | Self::ScheduleCheck { user_id, .. }
            | Self::CreditPayment { user_id, .. }
            | Self::RefundPayment { user_id, .. }
            | Self::SettleRefund { user_id, .. }
            | Self::RecordDispute { user_id, .. }
            | Self::RedeemPromoCode { user_id, .. }
            | Self::MakeReferralCode { user_id, .. }
            | Self::AcceptReferral { user_id, .. }
            | Self::RewardReferral { user_id, .. }
            | Self::AnnounceExpiry { user_id, .. } => user_id,
        })
    }

    /// Does it read and write one user's rows alone, and raise the user's version with whatever it writes? Such commands need
    /// no lock: that the version stands when they are written proves that nobody was faster.
    pub fn is_of_one_user(&self) -> bool {
        match self {
            Self::Charge(_)
            | Self::Complete { .. }
            | Self::Refund { .. }
            | Self::ExtendHold { .. }
            | Self::Expire { .. } => true,
            Self::ExpireGrant { .. }
            | Self::AdjustBalance { .. }
            | Self::GrantCredits(_)
            | Self::RevokeGrant { .. }
            | Self::SetStanding { .. }
            | Self::PublishPrices { .. }
            | Self::CreatePromoCode { .. }
            | Self::CreatePayment(_)
            | Self::OpenPayment { .. }
            | Self::ClosePayment { .. }
            | Self::ScheduleCheck { .. }
            | Self::ObservePayment(_)
            | Self::CreditPayment { .. }
            | Self::RefundPayment { .. }
            | Self::SettleRefund { .. }
            | Self::RecordDispute { .. }
            | Self::RedeemPromoCode { .. }
            | Self::MakeReferralCode { .. }
            | Self::AcceptReferral { .. }
            | Self::RewardReferral { .. }
            | Self::AnnounceExpiry { .. } => false,
        }
    }

    /// A short name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Charge(_) => "charge",
            Self::Complete { .. } => "complete",
            Self::Refund { .. } => "refund",
            Self::ExtendHold { .. } => "extend_hold",
            Self::Expire { .. } => "expire",
            Self::ExpireGrant { .. } => "expire_grant",
            Self::AdjustBalance { .. } => "adjust_balance",
            Self::GrantCredits(_) => "grant_credits",
            Self::RevokeGrant { .. } => "revoke_grant",
            Self::SetStanding { .. } => "set_standing",
            Self::PublishPrices { .. } => "publish_prices",
            Self::CreatePromoCode { .. } => "create_promo_code",
            Self::CreatePayment(_) => "create_payment",
            Self::OpenPayment { .. } => "open_payment",
            Self::ClosePayment { .. } => "close_payment",
            Self::ScheduleCheck { .. } => "schedule_check",
            Self::ObservePayment(_) => "observe_payment",
            Self::CreditPayment { .. } => "credit_payment",
            Self::RefundPayment { .. } => "refund_payment",
            Self::SettleRefund { .. } => "settle_refund",
            Self::RecordDispute { .. } => "record_dispute",
            Self::RedeemPromoCode { .. } => "redeem_promo_code",
            Self::MakeReferralCode { .. } => "make_referral_code",
            Self::AcceptReferral { .. } => "accept_referral",
            Self::RewardReferral { .. } => "reward_referral",
            Self::AnnounceExpiry { .. } => "announce_expiry",
        }
    }
}
