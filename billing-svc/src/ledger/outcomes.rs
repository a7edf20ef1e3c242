//! What the ledger answers: done, or refused in words of the rule.

use std::time::Duration;

use super::{
    Amount, Grant, Operation, OperationId, OperationState, Payment, PaymentId, PaymentRefund,
    PaymentState, PriceList, PromoCode, ReferralCode, ReferralRefusal, RefundId, UserView,
};

/// A command that was obeyed, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An operation was charged, settled or held on to.
    Operation {
        /// As it stands now.
        operation: Operation,
        /// What the user has now.
        user: UserView,
        /// It was so before; nothing was written.
        replayed: bool,
    },
    /// A balance was adjusted.
    Adjusted {
        /// What the user has now.
        user: UserView,
        /// It was adjusted before; nothing was written.
        replayed: bool,
    },
    /// Something was given.
    Granted {
        /// As it stands now.
        grant: Grant,
        /// What the user has now.
        user: UserView,
        /// It was given before; nothing was written.
        replayed: bool,
    },
    /// A payment was made, moved on or looked at.
    Payment {
        /// As it stands now.
        payment: Payment,
        /// All its refunds, oldest first.
        refunds: Vec<PaymentRefund>,
        /// The one of them that was asked for or answered, also where that was before.
        refund_id: Option<RefundId>,
        /// What the user has now.
        user: UserView,
        /// It was so before; nothing was written.
        replayed: bool,
    },
    /// A promo code was made.
    PromoCode {
        /// As it stands now.
        promo_code: PromoCode,
        /// It was made before; nothing was written.
        replayed: bool,
    },
    /// A price list was published.
    Prices {
        /// The list of this request.
        prices: PriceList,
        /// It was published before; nothing was written.
        replayed: bool,
    },
    /// An invitation counts.
    Referred {
        /// It did before; nothing was written.
        replayed: bool,
    },
    /// A user's own referral code.
    ReferralCode {
        /// The code.
        code: ReferralCode,
    },
    /// The sweeper's work was done, now or by another.
    Swept {
        /// Something was given back or lost now.
        changed: bool,
    },
}

/// A command that a rule refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Too little money.
    InsufficientFunds {
        /// What had to be paid in money.
        required: Amount,
        /// What could be spent.
        available: Amount,
        /// The difference.
        missing: Amount,
        /// The decline that is kept; none for an adjustment.
        operation_id: Option<OperationId>,
    },
    /// The request_id belongs to another request.
    RequestIdReused {
        /// The first field that differs, by its name in the proto.
        field: &'static str,
    },
    /// The price is above `max_price`.
    PriceChanged {
        /// What it costs.
        price: Amount,
        /// The decline that is kept.
        operation_id: OperationId,
    },
    /// An administrator blocked the user.
    UserBlocked {
        /// The decline that is kept.
        operation_id: OperationId,
    },
    /// The user owes.
    InDebt {
        /// The decline that is kept.
        operation_id: OperationId,
    },
    /// The user has as many open holds as they may have; nothing is kept of it.
    OpenHolds {
        /// How many that is.
        limit: i64,
    },
    /// The charge takes more money than the user may still spend today; nothing is kept of it.
    DailySpend {
        /// What may be spent on one day.
        limit: Amount,
        /// What of it is left today.
        left: Amount,
        /// How long it is to the next day; none where the charge is above the limit of a whole day.
        wait: Option<Duration>,
    },
    /// It was settled another way.
    OperationSettled {
        /// Which.
        operation_id: OperationId,
        /// How.
        state: OperationState,
    },
    /// No such operation.
    OperationNotFound,
    /// Not in the price list.
    UnknownKind,
    /// A field is wrong in the light of what is stored.
    InvalidField {
        /// By its name in the proto.
        field: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// The caller may not do this to this operation.
    Forbidden {
        /// What the caller may.
        may: &'static str,
    },
    /// An administrator blocked the user; nothing is kept of it.
    Blocked,
    /// No such payment.
    PaymentNotFound,
    /// The payment does not stand where this can be done.
    PaymentState {
        /// Which.
        payment_id: PaymentId,
        /// Where it stands.
        state: PaymentState,
    },
    /// No such grant of this user.
    GrantNotFound,
    /// No such promo code.
    PromoCodeNotFound,
    /// Its time is over.
    PromoCodeExpired,
    /// As many have redeemed it as can.
    PromoCodeUsedUp,
    /// Another request made a code of this name.
    PromoCodeExists,
    /// The invitation does not count.
    ReferralRefused {
        /// Why.
        why: ReferralRefusal,
    },
    /// What is stored contradicts itself; `billing-svc verify` tells more.
    Corrupt {
        /// What is missing.
        what: String,
    },
}
