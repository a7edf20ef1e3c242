//! What enums are called in the database.

use crate::ledger::{
    DisputeOutcome, GiftCause, GrantKind, OperationState, ParkReason, PaymentState, Provider,
    ReferralState, RefundOrigin, RefundReason, RefundState, Standing, Unit,
};

/// An enum that is stored as a name.
pub trait Named: Copy + Eq + Sized + 'static {
    /// All values.
    const ALL: &'static [Self];

    /// The name of a value.
    fn name(self) -> &'static str;

    /// The value of a name.
    fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.name() == name)
    }
}

macro_rules! names {
    ($enum:ident { $($value:ident = $name:literal),+ $(,)? }) => {
        impl Named for $enum {
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name),+
                }
            }
        }
    };
}

/// As in the account `topups:<provider>`.
impl Named for Provider {
    const ALL: &'static [Self] = &Provider::ALL;

    fn name(self) -> &'static str {
        Provider::name(self)
    }
}

names!(Standing { Good = "GOOD", InDebt = "IN_DEBT", Blocked = "BLOCKED" });
names!(GrantKind { Signup = "SIGNUP", Promo = "PROMO", Compensation = "COMPENSATION" });
names!(Unit { Money = "MONEY", Operation = "OPERATION" });
names!(OperationState {
    Charged = "CHARGED",
    Completed = "COMPLETED",
    Refunded = "REFUNDED",
    Declined = "DECLINED",
});
names!(RefundReason {
    JobFailed = "JOB_FAILED",
    ContentRejected = "CONTENT_REJECTED",
    Undeliverable = "UNDELIVERABLE",
    CustomerRequest = "CUSTOMER_REQUEST",
    Other = "OTHER",
    Expired = "EXPIRED",
});
names!(PaymentState {
    Created = "CREATED",
    Pending = "PENDING",
    Paid = "PAID",
    Credited = "CREDITED",
    Canceled = "CANCELED",
    Expired = "EXPIRED",
    Refunded = "REFUNDED",
    Disputed = "DISPUTED",
});
names!(ParkReason {
    AmountMismatch = "AMOUNT_MISMATCH",
    CurrencyMismatch = "CURRENCY_MISMATCH",
    BalanceLimit = "BALANCE_LIMIT",
});
names!(RefundOrigin {
    Admin = "ADMIN",
    Provider = "PROVIDER",
    Dispute = "DISPUTE",
    Rule = "RULE",
});
names!(RefundState { Pending = "PENDING", Succeeded = "SUCCEEDED", Reversed = "REVERSED" });
names!(DisputeOutcome { Opened = "OPENED", Won = "WON", Lost = "LOST" });
names!(ReferralState { Accepted = "ACCEPTED", Earned = "EARNED", Rewarded = "REWARDED" });
names!(GiftCause {
    Admin = "ADMIN",
    PromoCode = "PROMO_CODE",
    Invited = "INVITED",
    Inviter = "INVITER",
});
