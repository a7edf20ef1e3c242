//! A store in memory that loads exactly what is asked for and not a row more, so that a need which `needs()` forgot
//! shows as a wrong decision. It writes as strictly as a database with constraints would.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::ledger::*;

/// The tables of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    pub policy: Policy,
    pub prices: PriceList,
    pub users: BTreeMap<UserId, User>,
    pub grants: BTreeMap<(UserId, GrantId), Grant>,
    pub operations: BTreeMap<OperationId, Operation>,
    pub admin_requests: BTreeMap<RequestId, AdminRequest>,
    pub payments: BTreeMap<PaymentId, Payment>,
    pub payment_refunds: BTreeMap<(PaymentId, RefundId), PaymentRefund>,
    pub promo_codes: BTreeMap<PromoCodeName, PromoCode>,
    pub redemptions: BTreeMap<(UserId, PromoCodeName), Redemption>,
    pub referrals: BTreeMap<UserId, Referral>,
    pub referral_codes: BTreeMap<UserId, OwnReferralCode>,
    /// In the order of writing.
    pub entries: Vec<Entry>,
    /// Likewise.
    pub events: Vec<Event>,
}

impl Memory {
    pub fn new(policy: Policy, prices: PriceList) -> Self {
        Self {
            policy,
            prices,
            users: BTreeMap::new(),
            grants: BTreeMap::new(),
            operations: BTreeMap::new(),
            admin_requests: BTreeMap::new(),
            payments: BTreeMap::new(),
            payment_refunds: BTreeMap::new(),
            promo_codes: BTreeMap::new(),
            redemptions: BTreeMap::new(),
            referrals: BTreeMap::new(),
            referral_codes: BTreeMap::new(),
            entries: Vec::new(),
            events: Vec::new(),
        }
    }

    /// needs → load → decide → apply.
    pub fn run(&mut self, batch: &[Command], now: Timestamp) -> Decision {
        let needs = needs(&self.policy, batch);
        let state = self.load(&needs, now);
        let decision = decide(&self.policy, state, batch, now);
        assert_eq!(decision.outcomes.len(), batch.len(), "an outcome for each command");
        only_locked(&needs, &decision.changes);
        self.apply(decision.changes.clone());
        decision
    }

    pub fn view(&self, user_id: &UserId, now: Timestamp) -> UserView {
        match self.users.get(user_id) {
            Some(user) => UserView::of(user, self.grants_of(user_id), now),
            None => UserView::of_unknown(user_id.clone(), &self.policy),
        }
    }

    pub fn grants_of<'a>(&'a self, user_id: &'a UserId) -> impl Iterator<Item = &'a Grant> {
        self.grants.values().filter(move |grant| grant.user_id == *user_id)
    }

    fn operations_of<'a>(&'a self, user_id: &'a UserId) -> impl Iterator<Item = &'a Operation> {
        self.operations.values().filter(move |operation| operation.user_id == *user_id)
    }

    pub fn charged_as(&self, request_id: &RequestId) -> Option<&Operation> {
        self.operations.values().find(|operation| operation.request_id == *request_id)
    }

    pub fn payment_as(&self, request_id: &RequestId) -> Option<&Payment> {
        self.payments.values().find(|payment| payment.request_id == *request_id)
    }

    pub fn payment_named(&self, provider: Provider, name: &str) -> Option<&Payment> {
        self.payments.values().find(|payment| {
            payment.provider == provider && payment.provider_payment_id.as_deref() == Some(name)
        })
    }

    pub fn refunds_of(&self, id: PaymentId) -> impl Iterator<Item = &PaymentRefund> {
        self.payment_refunds.values().filter(move |refund| refund.payment_id == id)
    }

    fn load(&self, needs: &Needs, now: Timestamp) -> State {
        let mut state = State::default();
        if needs.prices || !needs.charges.is_empty() {
            state.prices = self.prices.clone();
        }
        for id in &needs.users {
            state.users.extend(self.users.get(id).map(|user| (id.clone(), user.clone())));
            let grants =
                self.grants_of(id).filter(|grant| grant.is_live(now) || grant.remaining > 0);
            for grant in grants {
                state.grants.insert((id.clone(), grant.grant_id), grant.clone());
            }
        }
        let by_id = needs.operations.iter().filter_map(|id| self.operations.get(id));
        let by_request = needs.charges.iter().filter_map(|id| self.charged_as(id));
        for operation in by_id.chain(by_request) {
            state.operations.insert(operation.operation_id, operation.clone());
            for grant_id in operation.funding.iter().filter_map(|slice| slice.source.grant_id()) {
                self.load_grant(&mut state, &(operation.user_id.clone(), grant_id));
            }
        }
        for id in &needs.admin_requests {
            let Some(request) = self.admin_requests.get(id) else { continue };
            state.admin_requests.insert(id.clone(), request.clone());
            if let AdminAction::GrantCredits { grant_id, .. } = request.action {
                let user_id = request.user_id.clone().expect("a grant is somebody's");
                self.load_grant(&mut state, &(user_id, grant_id));
            }
        }
        for key in &needs.grants {
            self.load_grant(&mut state, key);
        }
        self.load_payments(needs, &mut state);
        self.load_promotions(needs, &mut state);
        self.load_usage(needs, now, &mut state);
        state
    }

    fn load_usage(&self, needs: &Needs, now: Timestamp, state: &mut State) {
        const DAY: i64 = 86_400_000_000;
        for id in &needs.open_holds {
            let open = self
                .operations_of(id)
                .filter(|operation| operation.state == OperationState::Charged);
            state.open_holds.insert(id.clone(), open.count() as i64);
        }
        for id in &needs.daily_spend {
            let day = |time: Timestamp| time.micros() / DAY;
            let today =
                self.operations_of(id).filter(|operation| day(operation.create_time) == day(now));
            let spent = today.map(|operation| operation.paid() - operation.refunded).sum();
            state.spent_today.insert(id.clone(), spent);
        }
    }

    fn load_payments(&self, needs: &Needs, state: &mut State) {
        let by_id = needs.payments.iter().filter_map(|id| self.payments.get(id));
        let by_request = needs.payment_requests.iter().filter_map(|id| self.payment_as(id));
        let by_name = needs.provider_payments.iter();
        let by_name = by_name.filter_map(|(provider, name)| self.payment_named(*provider, name));
        for payment in by_id.chain(by_request).chain(by_name) {
            let id = payment.payment_id;
            state.payments.insert(id, payment.clone());
            let refunds =
                self.refunds_of(id).map(|refund| ((id, refund.refund_id), refund.clone()));
            state.payment_refunds.extend(refunds);
        }
    }

    fn load_promotions(&self, needs: &Needs, state: &mut State) {
        state.promo_codes = some_of(&self.promo_codes, needs.promo_codes.iter());
        state.redemptions = some_of(&self.redemptions, needs.redemptions.iter());
        for redemption in state.redemptions.clone().into_values() {
            self.load_grant(state, &(redemption.user_id, redemption.grant_id));
        }
        state.referrals = some_of(&self.referrals, needs.referrals.iter());
        state.referral_codes = some_of(&self.referral_codes, needs.referral_codes.iter());
        let invited = |id: &&UserId| self.referrals.values().any(|r| r.inviter == **id);
        state.inviters = needs.inviters.iter().filter(invited).cloned().collect();
    }

    fn load_grant(&self, state: &mut State, key: &(UserId, GrantId)) {
        state.grants.extend(self.grants.get(key).map(|grant| (key.clone(), grant.clone())));
    }

    /// Refuses (panics at) what a constraint of the database would refuse: a new row that is there, an update of one
    /// that is not, a name that is taken, a gap in a sequence.
    fn apply(&mut self, changes: Changes) {
        for user in &changes.users {
            let old = &self.users[&user.user_id];
            assert!(old.version < user.version, "the version rises with each write");
        }
        for list in changes.new_price_lists {
            assert_eq!(list.version, self.prices.version + 1, "versions count up");
            self.prices = list;
        }
        let (new, old) = (changes.new_users, changes.users);
        write(&mut self.users, new, old, |user| user.user_id.clone());
        let (new, old) = (changes.new_grants, changes.grants);
        write(&mut self.grants, new, old, |grant| (grant.user_id.clone(), grant.grant_id));
        let (new, old) = (changes.new_operations, changes.operations);
        write(&mut self.operations, new, old, |operation| operation.operation_id);
        let requests = changes.new_admin_requests;
        write(&mut self.admin_requests, requests, vec![], |request| request.request_id.clone());
        let (new, old) = (changes.new_payments, changes.payments);
        write(&mut self.payments, new, old, |payment| payment.payment_id);
        let (new, old) = (changes.new_payment_refunds, changes.payment_refunds);
        let key = |refund: &PaymentRefund| (refund.payment_id, refund.refund_id);
        write(&mut self.payment_refunds, new, old, key);
        let (new, old) = (changes.new_promo_codes, changes.promo_codes);
        write(&mut self.promo_codes, new, old, |promo_code| promo_code.code.clone());
        let key = |redemption: &Redemption| (redemption.user_id.clone(), redemption.code.clone());
        write(&mut self.redemptions, changes.new_redemptions, vec![], key);
        let (new, old) = (changes.new_referrals, changes.referrals);
        write(&mut self.referrals, new, old, |referral| referral.user_id.clone());
        let codes = changes.new_referral_codes;
        write(&mut self.referral_codes, codes, vec![], |code| code.user_id.clone());
        self.check_names();
        for entry in changes.entries {
            let last = self.entries.iter().rev().find(|last| last.user_id == entry.user_id);
            let last = last.map_or(0, |last| last.sequence);
            assert_eq!(entry.sequence, last + 1, "entries count 1, 2, 3… within {}", entry.user_id);
            self.entries.push(entry);
        }
        for event in changes.events {
            let last = self.events.iter().rev().find(|last| last.user_id == event.user_id);
            let last = last.map_or(0, |last| last.sequence);
            assert_eq!(event.sequence, last + 1, "events count 1, 2, 3… within {}", event.user_id);
            self.events.push(event);
        }
    }

    fn check_names(&self) {
        unique(self.operations.values().map(|operation| &operation.request_id));
        unique(self.payments.values().map(|payment| &payment.request_id));
        let named = self.payments.values().filter(|p| p.provider_payment_id.is_some());
        unique(named.map(|payment| (payment.provider, &payment.provider_payment_id)));
        let named = self.payment_refunds.values().filter(|r| r.provider_refund_id.is_some());
        unique(named.map(|refund| (refund.payment_id, &refund.provider_refund_id)));
        unique(self.referral_codes.values().map(|code| &code.code));
    }
}

/// Every row that is written is of a user whom the store has locked.
fn only_locked(needs: &Needs, changes: &Changes) {
    let users = changes.new_users.iter().chain(&changes.users).map(|user| &user.user_id);
    let grants = changes.new_grants.iter().chain(&changes.grants).map(|grant| &grant.user_id);
    let operations = changes.new_operations.iter().chain(&changes.operations).map(|o| &o.user_id);
    let payments = changes.new_payments.iter().chain(&changes.payments).map(|p| &p.user_id);
    let refunds = changes.new_payment_refunds.iter().chain(&changes.payment_refunds);
    let referrals = changes.new_referrals.iter().chain(&changes.referrals).map(|r| &r.user_id);
    let rows = users.chain(grants).chain(operations).chain(payments).chain(referrals);
    for user_id in rows.chain(refunds.map(|refund| &refund.user_id)) {
        assert!(needs.users.contains(user_id), "{user_id} is written and was not locked");
    }
}

fn some_of<'a, K: Ord + Clone + 'a, V: Clone>(
    rows: &BTreeMap<K, V>,
    keys: impl Iterator<Item = &'a K>,
) -> BTreeMap<K, V> {
    keys.filter_map(|key| Some((key.clone(), rows.get(key)?.clone()))).collect()
}

fn write<K: Ord + Debug, V>(
    rows: &mut BTreeMap<K, V>,
    new: Vec<V>,
    changed: Vec<V>,
    key: impl Fn(&V) -> K,
) {
    for row in new {
        assert!(!rows.contains_key(&key(&row)), "a new row was there: {:?}", key(&row));
        rows.insert(key(&row), row);
    }
    for row in changed {
        assert!(rows.contains_key(&key(&row)), "no row to update: {:?}", key(&row));
        rows.insert(key(&row), row);
    }
}

fn unique<T: PartialEq + Debug>(names: impl Iterator<Item = T>) {
    let mut seen = Vec::new();
    for name in names {
        assert!(!seen.contains(&name), "{name:?} is taken");
        seen.push(name);
    }
}
