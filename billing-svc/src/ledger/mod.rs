//! The rules of money, and nothing else.
//!
//! Pure: no async, no clock, no randomness, no database, no gRPC. Whatever a rule needs to know is passed in: the
//! time of the batch, the rows it may touch ([`State`]), the ids of what it may create (inside the [`Command`]s).
//!
//! A batch goes `needs(policy, batch)` → (the store loads) → `decide(policy, state, batch, now)` → [`Decision`]: one outcome
//! for each command, in order, and the [`Changes`] to write. A broken rule is a [`Rejection`] of its own command and
//! never fails its neighbours. Every movement of money or free operations goes through one function
//! (`Draft::transfer`), which changes the cached balance and writes the entry together.

mod accounts;
mod adjust;
mod admin_requests;
mod amounts;
mod announce;
mod asked;
mod charge;
mod commands;
mod credit;
mod decide;
mod draft;
mod entries;
mod events;
mod funding;
mod grants;
mod house;
mod ids;
mod limits;
mod needs;
mod observe;
mod operations;
mod outcomes;
mod payback;
mod payments;
mod prices;
mod promote;
mod promotions;
mod refer;
mod refunds;
mod reported;
mod settle;
mod state;
mod time;
mod topup;

#[cfg(test)]
mod model_test;
#[cfg(test)]
mod table_test;

pub use accounts::{Standing, User, UserView, signup_grant};
pub use admin_requests::{AdminAction, AdminRequest};
pub use amounts::{Amount, MAX_BALANCE, MAX_MOVEMENT, Unit};
pub use asked::{
    Administrator, Charge, Credits, GrantCredits, NewPayment, Observation, RefundRight,
};
pub use commands::Command;
pub use decide::{Decision, decide};
pub use entries::{Account, Entry, Reference};
pub use events::{Event, EventBody, GiftCause, OperationSettled};
pub use funding::{Plan, Slice, Source, plan};
pub use grants::{Grant, GrantKind};
pub use ids::{
    GrantId, InvalidId, Kind, OperationId, PaymentId, PromoCodeName, ReferralCode, RefundId,
    RequestId, UserId,
};
pub use limits::UserLimits;
pub use needs::needs;
pub use operations::{Decline, Operation, OperationState, RefundReason};
pub use outcomes::{Outcome, Rejection};
pub use payments::{
    Closing, DisputeOutcome, ParkReason, Payment, PaymentRefund, PaymentState, Provider,
    ProviderAmount, ProviderStatus, RefundAnswer, RefundOrigin, RefundState, RepeatRule, Report,
    ReportedRefund, ReportedRefundState,
};
pub use prices::{Price, PriceList};
pub use promotions::{
    OwnReferralCode, PromoCode, Redemption, Referral, ReferralRefusal, ReferralRewards,
    ReferralState,
};
pub use state::{Changes, Needs, Policy, State};
pub use time::Timestamp;
