//! The pure ledger over plain memory: what the store and the committer must agree with.

use std::collections::BTreeMap;

use billing_svc::ledger::*;
use billing_svc::store::Store;

use crate::books::POLICY;

/// All rows there are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    pub state: State,
    pub entries: BTreeMap<(UserId, i64), Entry>,
    pub events: BTreeMap<(UserId, i64), Event>,
}

impl Memory {
    pub fn with(prices: PriceList) -> Self {
        Self { state: State { prices, ..State::default() }, ..Self::default() }
    }

    /// Decides a batch and keeps what it changes.
    pub fn run(&mut self, batch: &[Command], now: Timestamp) -> Vec<Result<Outcome, Rejection>> {
        let Decision { outcomes, changes } = decide(&POLICY, self.state.clone(), batch, now);
        let state = &mut self.state;
        state.users.extend(keyed(changes.new_users, changes.users, |row| row.user_id.clone()));
        let key = |row: &Grant| (row.user_id.clone(), row.grant_id);
        state.grants.extend(keyed(changes.new_grants, changes.grants, key));
        let operations = keyed(changes.new_operations, changes.operations, |row| row.operation_id);
        state.operations.extend(operations);
        let requests = changes.new_admin_requests;
        state.admin_requests.extend(keyed(requests, vec![], |row| row.request_id.clone()));
        state.payments.extend(keyed(changes.new_payments, changes.payments, |row| row.payment_id));
        let key = |row: &PaymentRefund| (row.payment_id, row.refund_id);
        let (new, old) = (changes.new_payment_refunds, changes.payment_refunds);
        state.payment_refunds.extend(keyed(new, old, key));
        let (new, old) = (changes.new_promo_codes, changes.promo_codes);
        state.promo_codes.extend(keyed(new, old, |row| row.code.clone()));
        let key = |row: &Redemption| (row.user_id.clone(), row.code.clone());
        state.redemptions.extend(keyed(changes.new_redemptions, vec![], key));
        let (new, old) = (changes.new_referrals, changes.referrals);
        state.referrals.extend(keyed(new, old, |row| row.user_id.clone()));
        state.inviters = state.referrals.values().map(|row| row.inviter.clone()).collect();
        let codes = changes.new_referral_codes;
        state.referral_codes.extend(keyed(codes, vec![], |row| row.user_id.clone()));
        if let Some(newest) = changes.new_price_lists.into_iter().last() {
            state.prices = newest;
        }
        let key = |row: &Entry| (row.user_id.clone(), row.sequence);
        self.entries.extend(keyed(changes.entries, vec![], key));
        let key = |row: &Event| (row.user_id.clone(), row.sequence);
        self.events.extend(keyed(changes.events, vec![], key));
        outcomes
    }

    /// What the database holds; requests of administrators are left out, `verify`'s snapshot doesn't read them.
    pub async fn of_store(store: &Store) -> Self {
        const ALL: u64 = 1_000_000;
        /// The rows of a table, by what the ledger knows each by.
        macro_rules! all {
            ($rows:expr, |$row:ident| $key:expr) => {
                $rows
                    .await
                    .unwrap()
                    .into_iter()
                    .map(|(_, found)| {
                        let $row = found.unwrap();
                        ($key, $row)
                    })
                    .collect()
            };
        }
        let snapshot = store.snapshot().await.unwrap();
        let mut memory = Self::with(store.prices().await.unwrap());
        let state = &mut memory.state;
        state.users = all!(snapshot.users(None, ALL), |row| row.user_id.clone());
        state.grants = all!(snapshot.grants(None, ALL), |row| (row.user_id.clone(), row.grant_id));
        state.operations = all!(snapshot.operations(None, ALL), |row| row.operation_id);
        let archived: BTreeMap<_, _> =
            all!(snapshot.archived_operations(None, ALL), |row| row.operation_id);
        state.operations.extend(archived);
        state.payments = all!(snapshot.payments(None, ALL), |row| row.payment_id);
        let refunds = snapshot.payment_refunds(None, ALL);
        state.payment_refunds = all!(refunds, |row| (row.payment_id, row.refund_id));
        state.promo_codes = all!(snapshot.promo_codes(None, ALL), |row| row.code.clone());
        let redemptions = snapshot.redemptions(None, ALL);
        state.redemptions = all!(redemptions, |row| (row.user_id.clone(), row.code.clone()));
        state.referrals = all!(snapshot.referrals(None, ALL), |row| row.user_id.clone());
        state.inviters = state.referrals.values().map(|row| row.inviter.clone()).collect();
        state.referral_codes = all!(snapshot.referral_codes(None, ALL), |row| row.user_id.clone());
        let entries = snapshot.entries(None, ALL);
        memory.entries = all!(entries, |row| (row.user_id.clone(), row.sequence));
        let events: BTreeMap<_, _> =
            all!(snapshot.events(None, ALL), |row| (row.0.user_id.clone(), row.0.sequence));
        memory.events = events.into_iter().map(|(key, (event, _))| (key, event)).collect();
        snapshot.end().await.unwrap();
        memory
    }

    /// Without what [`Memory::of_store`] leaves out.
    pub fn comparable(mut self) -> Self {
        self.state.admin_requests.clear();
        self
    }
}

fn keyed<K, V>(
    new: Vec<V>,
    changed: Vec<V>,
    key: impl Fn(&V) -> K,
) -> impl Iterator<Item = (K, V)> {
    new.into_iter().chain(changed).map(move |row| (key(&row), row))
}
