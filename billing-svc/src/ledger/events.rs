//! What happened, for those who watch: written together with what happened, numbered within each user.

use super::{
    Amount, Grant, Kind, OperationId, ParkReason, PaymentId, PaymentState, Provider, RefundId,
    RefundOrigin, RefundReason, RefundState, Standing, Timestamp, UserId,
};

/// One thing that happened. Appended, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// To whom.
    pub user_id: UserId,
    /// 1, 2, 3… within the user.
    pub sequence: i64,
    /// What.
    pub body: EventBody,
    /// When.
    pub create_time: Timestamp,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventBody {
    /// A payment came to stand elsewhere.
    PaymentChanged {
        /// Which.
        payment_id: PaymentId,
        /// Through whom.
        provider: Provider,
        /// Where it stands now.
        state: PaymentState,
        /// What was promised; when credited, what was credited.
        amount: Amount,
        /// Why it waits for a person.
        parked: Option<ParkReason>,
    },
    /// A refund or dispute began or ended.
    RefundChanged {
        /// Of which payment.
        payment_id: PaymentId,
        /// Which.
        refund_id: RefundId,
        /// Through whom.
        provider: Provider,
        /// Who began it.
        origin: RefundOrigin,
        /// Where it stands now.
        state: RefundState,
        /// What it took from the balance, or gave back to it.
        amount: Amount,
    },
    /// An operation was given back by somebody.
    OperationRefunded(OperationSettled),
    /// An operation was given back because its hold ended.
    OperationExpired(OperationSettled),
    /// Something will be lost soon.
    GrantExpiring {
        /// As it stands.
        grant: Grant,
    },
    /// Something was given.
    GrantGiven {
        /// As it was given.
        grant: Grant,
        /// Why.
        cause: GiftCause,
    },
    /// A user came to stand elsewhere.
    StandingChanged {
        /// Before.
        from: Standing,
        /// Now.
        to: Standing,
        /// The user's own money now.
        paid_balance: Amount,
    },
}

/// An operation that was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationSettled {
    /// Which.
    pub operation_id: OperationId,
    /// What was asked for.
    pub kind: Kind,
    /// Money that came back.
    pub refunded: Amount,
    /// Free operations that came back.
    pub free_operations: i64,
    /// Why.
    pub reason: RefundReason,
}

/// Why something was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiftCause {
    /// By an administrator.
    Admin,
    /// For a promo code.
    PromoCode,
    /// For the first top-up after an invitation.
    Invited,
    /// For having invited somebody who has topped up.
    Inviter,
}
