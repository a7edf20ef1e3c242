//! A batch under way: the state as it stands after the commands so far, and which rows were touched.

mod money;
mod payments;
mod promotions;
mod rows;
mod usage;

use std::collections::{BTreeMap, BTreeSet};

use self::rows::Rows;
use self::usage::Usages;
use super::{
    AdminRequest, Changes, Entry, Event, EventBody, Grant, GrantId, Operation, OperationId,
    OwnReferralCode, Payment, PaymentId, PaymentRefund, Policy, Price, PriceList, PromoCode,
    PromoCodeName, Provider, Redemption, Referral, RefundId, Rejection, RequestId, Standing, State,
    Timestamp, User, UserId, UserView,
};

/// Commands read and change rows through this alone, so that a row can't change without being written, no money can
/// move without its entry, and no user can come to stand elsewhere without an event.
pub(super) struct Draft<'a> {
    policy: &'a Policy,
    now: Timestamp,
    users: Rows<UserId, User>,
    grants: Rows<(UserId, GrantId), Grant>,
    operations: Rows<OperationId, Operation>,
    charges: BTreeMap<RequestId, OperationId>,
    admin_requests: Rows<RequestId, AdminRequest>,
    prices: PriceList,
    new_price_lists: Vec<PriceList>,
    payments: Rows<PaymentId, Payment>,
    payment_requests: BTreeMap<RequestId, PaymentId>,
    provider_payments: BTreeMap<(Provider, String), PaymentId>,
    payment_refunds: Rows<(PaymentId, RefundId), PaymentRefund>,
    promo_codes: Rows<PromoCodeName, PromoCode>,
    redemptions: Rows<(UserId, PromoCodeName), Redemption>,
    referrals: Rows<UserId, Referral>,
    referral_codes: Rows<UserId, OwnReferralCode>,
    inviters: BTreeSet<UserId>,
    usages: Usages,
    entries: Vec<Entry>,
    events: Vec<Event>,
    /// Whom the command under way has written, with the standing before it.
    written: BTreeMap<UserId, Standing>,
    /// The versions that users had when they were loaded: of those who were written.
    versions: BTreeMap<UserId, i64>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(policy: &'a Policy, state: State, now: Timestamp) -> Self {
        let operations = state.operations.values();
        let payments = || state.payments.values();
        Self {
            policy,
            now,
            charges: operations.map(|o| (o.request_id.clone(), o.operation_id)).collect(),
            payment_requests: payments().map(|p| (p.request_id.clone(), p.payment_id)).collect(),
            provider_payments: payments().filter_map(payments::provider_key).collect(),
            users: Rows::loaded(state.users),
            grants: Rows::loaded(state.grants),
            operations: Rows::loaded(state.operations),
            admin_requests: Rows::loaded(state.admin_requests),
            prices: state.prices,
            new_price_lists: Vec::new(),
            payments: Rows::loaded(state.payments),
            payment_refunds: Rows::loaded(state.payment_refunds),
            promo_codes: Rows::loaded(state.promo_codes),
            redemptions: Rows::loaded(state.redemptions),
            referrals: Rows::loaded(state.referrals),
            referral_codes: Rows::loaded(state.referral_codes),
            inviters: state.inviters,
            usages: Usages::loaded(state.open_holds, state.spent_today, now),
            entries: Vec::new(),
            events: Vec::new(),
            written: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// Begins the writing of a user: creates them, with their sign-up grant, if they are new. To be called before
    /// anything of theirs is written; within one command, again is nothing.
    pub(super) fn write_user(&mut self, user_id: &UserId) {
        if self.written.contains_key(user_id) {
            return;
        }
        self.written.insert(user_id.clone(), self.standing(user_id));
        if self.users.get(user_id).is_none() {
            self.users.add(user_id.clone(), User::new(user_id.clone(), self.now));
            self.sign_up(user_id);
        }
        if let Some(user) = self.users.change(user_id) {
            self.versions.entry(user_id.clone()).or_insert(user.version);
            user.version += 1;
        }
    }

    /// Has the command under way written this user?
    pub(super) fn has_written(&self, user_id: &UserId) -> bool {
        self.written.contains_key(user_id)
    }

    /// Ends a command: who came to stand elsewhere is told so, once.
    pub(super) fn end_command(&mut self) {
        for (user_id, from) in std::mem::take(&mut self.written) {
            let Some(user) = self.users.get(&user_id) else { continue };
            let (to, paid_balance) = (user.standing, user.available);
            if from != to {
                self.tell(&user_id, EventBody::StandingChanged { from, to, paid_balance });
            }
        }
    }

    /// Appends an event. The user has been written to before.
    pub(super) fn tell(&mut self, user_id: &UserId, body: EventBody) {
        let Some(user) = self.users.change(user_id) else {
            return; // write_user made the row before any command came here
        };
        user.last_event += 1;
        self.events.push(Event {
            user_id: user_id.clone(),
            sequence: user.last_event,
            body,
            create_time: self.now,
        });
    }

    pub(super) fn standing(&self, user_id: &UserId) -> Standing {
        self.users.get(user_id).map_or(Standing::Good, |user| user.standing)
    }

    /// Blocks, or lets go on: then who owes is in debt. The user has been written to before.
    pub(super) fn set_standing(&mut self, user_id: &UserId, standing: Standing) {
        if let Some(user) = self.users.change(user_id) {
            user.standing = standing;
            user.settle_standing();
        }
    }

    /// The first credit of a payment makes a customer: answers how many there were before. The user has been written
    /// to before.
    pub(super) fn count_topup(&mut self, user_id: &UserId) -> i64 {
        let Some(user) = self.users.change(user_id) else {
            return 0; // as in `tell`
        };
        user.topups += 1;
        user.topups - 1
    }

    pub(super) fn topups(&self, user_id: &UserId) -> i64 {
        self.users.get(user_id).map_or(0, |user| user.topups)
    }

    pub(super) fn view(&self, user_id: &UserId) -> UserView {
        match self.users.get(user_id) {
            Some(user) => UserView::of(user, self.grants_of(user_id), self.now),
            None => UserView::of_unknown(user_id.clone(), self.policy),
        }
    }

    pub(super) fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.operations.get(&id)
    }

    pub(super) fn charge(&self, request_id: &RequestId) -> Option<&Operation> {
        self.operation(*self.charges.get(request_id)?)
    }

    pub(super) fn add_operation(&mut self, operation: Operation) {
        self.usages.follow(None, &operation);
        self.charges.insert(operation.request_id.clone(), operation.operation_id);
        self.operations.add(operation.operation_id, operation);
    }

    pub(super) fn update_operation(&mut self, operation: Operation) {
        self.usages.follow(self.operations.get(&operation.operation_id), &operation);
        self.operations.update(operation.operation_id, operation);
    }

    pub(super) fn grants_of(&self, user_id: &UserId) -> impl Iterator<Item = &Grant> {
        let first = (user_id.clone(), GrantId(uuid::Uuid::nil()));
        let last = (user_id.clone(), GrantId(uuid::Uuid::max()));
        self.grants.range(first..=last)
    }

    pub(super) fn find_grant(&self, user_id: &UserId, id: GrantId) -> Option<&Grant> {
        self.grants.get(&(user_id.clone(), id))
    }

    /// A grant that must be there: the store loads what slices and requests refer to.
    pub(super) fn grant(&self, user_id: &UserId, id: GrantId) -> Result<&Grant, Rejection> {
        self.find_grant(user_id, id)
            .ok_or_else(|| Rejection::Corrupt { what: format!("grant {id} of {user_id}") })
    }

    /// Notes that a user was told of the end of a grant.
    pub(super) fn announce_grant(&mut self, user_id: &UserId, id: GrantId) {
        if let Some(grant) = self.grants.change(&(user_id.clone(), id)) {
            grant.announced = true;
        }
    }

    pub(super) fn admin_request(&self, request_id: &RequestId) -> Option<&AdminRequest> {
        self.admin_requests.get(request_id)
    }

    pub(super) fn keep_admin_request(&mut self, request: AdminRequest) {
        self.admin_requests.add(request.request_id.clone(), request);
    }

    pub(super) fn prices(&self) -> &PriceList {
        &self.prices
    }

    /// Puts the next price list in force, for the commands after this one too.
    pub(super) fn publish(&mut self, prices: Vec<Price>) -> PriceList {
        self.prices = PriceList { version: self.prices.version + 1, prices };
        self.new_price_lists.push(self.prices.clone());
        self.prices.clone()
    }

    /// What is to be written.
    pub(super) fn into_changes(self) -> Changes {
        let (new_users, users) = self.users.written();
        let loaded =
            |user: &User| self.versions.get(&user.user_id).copied().unwrap_or(user.version);
        let versions = users.iter().map(loaded).collect();
        let (new_grants, grants) = self.grants.written();
        let (new_operations, operations) = self.operations.written();
        let (new_payments, payments) = self.payments.written();
        let (new_payment_refunds, payment_refunds) = self.payment_refunds.written();
        let (new_promo_codes, promo_codes) = self.promo_codes.written();
        let (new_referrals, referrals) = self.referrals.written();
        Changes {
            new_users,
            users,
            versions,
            new_grants,
            grants,
            new_operations,
            operations,
            entries: self.entries,
            new_admin_requests: self.admin_requests.written().0,
            new_payments,
            payments,
            new_payment_refunds,
            payment_refunds,
            new_promo_codes,
            promo_codes,
            new_redemptions: self.redemptions.written().0,
            new_referrals,
            referrals,
            new_referral_codes: self.referral_codes.written().0,
            new_price_lists: self.new_price_lists,
            events: self.events,
        }
    }
}
