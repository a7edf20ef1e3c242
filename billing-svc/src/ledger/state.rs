//! What a batch reads and what it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{
    AdminRequest, Amount, Entry, Event, Grant, GrantId, Operation, OperationId, OwnReferralCode,
    Payment, PaymentId, PaymentRefund, PriceList, PromoCode, PromoCodeName, Provider, Redemption,
    Referral, ReferralRewards, RefundId, RepeatRule, RequestId, User, UserId, UserLimits,
};

/// The deployment's own settings that rules depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What the sign-up grant gives; 0 for none.
    pub free_operations: i64,
    /// How long a charge is held where the caller does not say.
    pub hold: Duration,
    /// What referrals give.
    pub referral: ReferralRewards,
    /// What happens to the second payment of one invoice of Telegram Stars.
    pub repeated_invoice: RepeatRule,
    /// What one user may do at most.
    pub limits: UserLimits,
}

/// What a batch must see. The store locks the users, in this order, before it reads anything else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Users, each with their grants that are live or have something left.
    pub users: BTreeSet<UserId>,
    /// Operations by id, each with the grants that its slices came from.
    pub operations: BTreeSet<OperationId>,
    /// Operations by the request_id of their charge, whoever they belong to; likewise.
    pub charges: BTreeSet<RequestId>,
    /// Requests of administrators, whoever they belong to, each with the grant it gave.
    pub admin_requests: BTreeSet<RequestId>,
    /// Grants by id, on top of those above.
    pub grants: BTreeSet<(UserId, GrantId)>,
    /// Payments by id, each with all its refunds.
    pub payments: BTreeSet<PaymentId>,
    /// Payments by the request_id of their creation, whoever they belong to; likewise.
    pub payment_requests: BTreeSet<RequestId>,
    /// Payments by what their provider calls them, whoever they belong to; likewise.
    pub provider_payments: BTreeSet<(Provider, String)>,
    /// Promo codes. Locked, in this order, after the users.
    pub promo_codes: BTreeSet<PromoCodeName>,
    /// Redemptions of promo codes, each with the grant it gave.
    pub redemptions: BTreeSet<(UserId, PromoCodeName)>,
    /// By whom these users were invited.
    pub referrals: BTreeSet<UserId>,
    /// These users' own referral codes.
    pub referral_codes: BTreeSet<UserId>,
    /// Whether these users have invited anybody.
    pub inviters: BTreeSet<UserId>,
    /// How many open holds these users have; after the lock, so that no other instance adds one meanwhile.
    pub open_holds: BTreeSet<UserId>,
    /// How much these users have spent since 00:00 UTC; likewise.
    pub daily_spend: BTreeSet<UserId>,
    /// The price list, also where there is no charge.
    pub prices: bool,
}

/// What a batch sees: exactly what [`Needs`] asks for, as far as it exists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Users.
    pub users: BTreeMap<UserId, User>,
    /// Grants.
    pub grants: BTreeMap<(UserId, GrantId), Grant>,
    /// Operations.
    pub operations: BTreeMap<OperationId, Operation>,
    /// Requests of administrators.
    pub admin_requests: BTreeMap<RequestId, AdminRequest>,
    /// The price list in force.
    pub prices: PriceList,
    /// Payments.
    pub payments: BTreeMap<PaymentId, Payment>,
    /// Their refunds: all of each payment's.
    pub payment_refunds: BTreeMap<(PaymentId, RefundId), PaymentRefund>,
    /// Promo codes.
    pub promo_codes: BTreeMap<PromoCodeName, PromoCode>,
    /// Redemptions.
    pub redemptions: BTreeMap<(UserId, PromoCodeName), Redemption>,
    /// Referrals, by the invited user.
    pub referrals: BTreeMap<UserId, Referral>,
    /// Own referral codes.
    pub referral_codes: BTreeMap<UserId, OwnReferralCode>,
    /// Those of [`Needs::inviters`] who have invited somebody.
    pub inviters: BTreeSet<UserId>,
    /// How many open holds those of [`Needs::open_holds`] have, where they have any.
    pub open_holds: BTreeMap<UserId, i64>,
    /// What those of [`Needs::daily_spend`] have spent since 00:00 UTC, where they have spent anything.
    pub spent_today: BTreeMap<UserId, Amount>,
}

/// What a batch writes: each row once, in its last form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Users that did not exist. Writing fails with a conflict where another instance was faster.
    pub new_users: Vec<User>,
    /// Users that did.
    pub users: Vec<User>,
    /// The version that each of them had when it was loaded. Whoever writes to a user raises it: as long as it stands, so does
    /// all that was loaded of theirs.
    pub versions: Vec<i64>,
    /// Grants that did not exist.
    pub new_grants: Vec<Grant>,
    /// Grants that did.
    pub grants: Vec<Grant>,
    /// Operations that did not exist; their request_id is unique.
    pub new_operations: Vec<Operation>,
    /// Operations that did.
    pub operations: Vec<Operation>,
    /// Entries, in order within each user.
    pub entries: Vec<Entry>,
    /// Requests of administrators that did not exist; their request_id is unique.
    pub new_admin_requests: Vec<AdminRequest>,
    /// Payments that did not exist; their request_id is unique, and so is their provider's name for them.
    pub new_payments: Vec<Payment>,
    /// Payments that did.
    pub payments: Vec<Payment>,
    /// Refunds that did not exist; their provider's name for them is unique within the payment.
    pub new_payment_refunds: Vec<PaymentRefund>,
    /// Refunds that did.
    pub payment_refunds: Vec<PaymentRefund>,
    /// Promo codes that did not exist.
    pub new_promo_codes: Vec<PromoCode>,
    /// Promo codes that did.
    pub promo_codes: Vec<PromoCode>,
    /// Redemptions that did not exist; a user redeems a code once.
    pub new_redemptions: Vec<Redemption>,
    /// Referrals that did not exist; a user is invited once.
    pub new_referrals: Vec<Referral>,
    /// Referrals that did.
    pub referrals: Vec<Referral>,
    /// Own referral codes that did not exist; a code is one user's.
    pub new_referral_codes: Vec<OwnReferralCode>,
    /// The next price lists, in order.
    pub new_price_lists: Vec<PriceList>,
    /// Events, in order within each user.
    pub events: Vec<Event>,
}

impl Changes {
    /// Nothing to write?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
