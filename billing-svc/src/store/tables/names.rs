//! What enums are called in the database.

use crate::ledger::{GrantKind, OperationState, RefundReason, Standing, Unit};

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
