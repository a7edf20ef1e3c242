//! What can be asked of the ledger. Fields are checked where they enter; ids of what may be created are passed in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    Amount, Closing, DisputeOutcome, GrantId, GrantKind, Kind, OperationId, PaymentId, Price,
    PromoCode, PromoCodeName, Provider, ProviderAmount, ReferralCode, RefundAnswer, RefundId,
    RefundReason, Report, RequestId, Standing, Timestamp, Unit, UserId,
};

/// What a caller may give back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundRight {
    /// Charged operations that this caller charged itself.
    OwnCharges {
        /// The caller's name.
        caller: String,
    },
    /// Any charged operation.
    AnyCharged,
    /// Completed ones too, in part too.
    Everything,
}

/// Takes the price of an operation and holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Who pays.
    pub user_id: UserId,
    /// The caller's id of this charge.
    pub request_id: RequestId,
    /// The id that the operation gets if it is new.
    pub operation_id: OperationId,
    /// The caller's name, kept with the operation.
    pub caller: String,
    /// What is charged for.
    pub kind: Kind,
    /// How many: 1 to 100.
    pub quantity: i64,
    /// Refuse above this total.
    pub max_price: Option<Amount>,
    /// How long to hold; the policy's default where absent.
    pub hold: Option<Duration>,
    /// The caller's own words.
    pub labels: BTreeMap<String, String>,
}

/// What a grant gives; above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credits {
    /// What is counted.
    pub unit: Unit,
    /// How much: micros or operations.
    pub amount: i64,
}

/// Gives free operations or promotional money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantCredits {
    /// To whom.
    pub user_id: UserId,
    /// The administrator's id of this request.
    pub request_id: RequestId,
    /// The id that the grant gets if it is new.
    pub grant_id: GrantId,
    /// What.
    pub credits: Credits,
    /// Why, for machines.
    pub kind: GrantKind,
    /// Lower is spent first.
    pub priority: i32,
    /// When what is left is lost.
    pub expire_time: Option<Timestamp>,
    /// Why, for people.
    pub reason: String,
    /// Who asked.
    pub caller: String,
}

/// A request of an administrator: kept for ever, and done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// The administrator's id of this request.
    pub request_id: RequestId,
    /// Why, for people.
    pub reason: String,
    /// Who asked.
    pub caller: String,
}

/// A payment to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// The id that it gets if it is new.
    pub payment_id: PaymentId,
    /// Whose.
    pub user_id: UserId,
    /// The caller's id of it.
    pub request_id: RequestId,
    /// Who makes it.
    pub caller: String,
    /// Who takes the money.
    pub provider: Provider,
    /// What is promised to be credited; above zero.
    pub amount: Amount,
    /// What the provider takes for it; above zero.
    pub price: ProviderAmount,
    /// Where the caller wants the user to be sent afterwards.
    pub return_url: Option<String>,
    /// Where the receipt goes.
    pub receipt_email: Option<String>,
    /// When the provider is to be asked for the first time.
    pub first_check: Option<Timestamp>,
}

/// What a provider says now of a payment that was made here, and the ids of what may follow from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Whose.
    pub user_id: UserId,
    /// The payment that the report is about, by what the provider carries for us (its metadata, or invoice payload).
    pub payment_id: PaymentId,
    /// Who says it.
    pub provider: Provider,
    /// What it says.
    pub report: Report,
    /// The id of the payment that is made where this is a second one of the same invoice.
    pub repeat_id: PaymentId,
    /// One for each reported refund, at its place; and a last one for the refund that a rule may ask for.
    pub refund_ids: Vec<RefundId>,
}

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
