//! Reads a table page by page, in the order of its key, one user after the other.

use std::collections::VecDeque;

use uuid::Uuid;

use super::PAGE;
use crate::ledger::{
    Entry, Event, Grant, Operation, OwnReferralCode, Payment, PaymentRefund, Redemption, Referral,
    User,
};
use crate::store::{Found, Snapshot, StoreError};

/// A table, in an order that starts with the user.
pub(super) trait Scan {
    type Key: Clone;
    type Row;

    fn user(key: &Self::Key) -> &str;

    async fn page(
        snapshot: &Snapshot,
        after: Option<&Self::Key>,
    ) -> Result<Vec<Found<Self::Key, Self::Row>>, StoreError>;
}

/// Where a scan stands.
pub(super) struct Cursor<'a, S: Scan> {
    snapshot: &'a Snapshot,
    page: VecDeque<Found<S::Key, S::Row>>,
    last: Option<S::Key>,
    ended: bool,
}

impl<'a, S: Scan> Cursor<'a, S> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, page: VecDeque::new(), last: None, ended: false }
    }

    /// Whose row is next.
    pub(super) async fn user(&mut self) -> Result<Option<String>, StoreError> {
        self.fill().await?;
        Ok(self.page.front().map(|(key, _)| S::user(key).to_owned()))
    }

    /// The next row if it is this user's.
    pub(super) async fn next_of(
        &mut self,
        user: &str,
    ) -> Result<Option<Found<S::Key, S::Row>>, StoreError> {
        self.fill().await?;
        match self.page.front() {
            Some((key, _)) if S::user(key) == user => Ok(self.page.pop_front()),
            _ => Ok(None),
        }
    }

    /// Makes the row that was just taken the next one again.
    pub(super) fn put_back(&mut self, key: S::Key, row: Result<S::Row, StoreError>) {
        self.page.push_front((key, row));
    }

    async fn fill(&mut self) -> Result<(), StoreError> {
        if self.page.is_empty() && !self.ended {
            let page = S::page(self.snapshot, self.last.as_ref()).await?;
            match page.last() {
                Some((key, _)) => self.last = Some(key.clone()),
                None => self.ended = true,
            }
            self.page = page.into();
        }
        Ok(())
    }
}

macro_rules! scans {
    ($($name:ident: $method:ident, $key:ty => $user:expr, $row:ty;)+) => {
        $(
            pub(super) struct $name;

            impl Scan for $name {
                type Key = $key;
                type Row = $row;

                fn user(key: &Self::Key) -> &str {
                    let user: fn(&$key) -> &str = $user;
                    user(key)
                }

                async fn page(
                    snapshot: &Snapshot,
                    after: Option<&Self::Key>,
                ) -> Result<Vec<Found<Self::Key, Self::Row>>, StoreError> {
                    snapshot.$method(after, PAGE).await
                }
            }
        )+
    };
}

scans! {
    Users: users, String => |key| key, User;
    Grants: grants, (String, Uuid) => |key| &key.0, Grant;
    Operations: operations, (String, Uuid) => |key| &key.0, Operation;
    ArchivedOperations: archived_operations, (String, Uuid) => |key| &key.0, Operation;
    Entries: entries, (String, i64) => |key| &key.0, Entry;
    Payments: payments, (String, Uuid) => |key| &key.0, Payment;
    PaymentRefunds: payment_refunds, (String, Uuid) => |key| &key.0, PaymentRefund;
    Events: events, (String, i64) => |key| &key.0, (Event, Option<i64>);
    Redemptions: redemptions, (String, String) => |key| &key.0, Redemption;
    Referrals: referrals, String => |key| key, Referral;
    ReferralCodes: referral_codes, String => |key| key, OwnReferralCode;
}
