//! `billing-svc verify`: proves the invariants on a live database and names the rows at fault.
//!
//! One consistent snapshot, beside a running service, no lock. All tables are read once in the order of their keys and
//! merged user by user, so memory is bounded by the pages, one user's grants and payments, a lot of one user's operations, and
//! the number of promo codes. Only the entries of a user with more operations than a lot are read again for each further one.
//! Balances are rebuilt from the entries and compared with what is cached.
//!
//! | | what is proved |
//! |---|---|
//! | I1 | what users have and what the house has, by its entries, is zero for each unit; each entry moves between two accounts that can hold its unit |
//! | I2 | nothing is below zero, except what is available to a user of whom a payment was taken back; only they are in debt |
//! | I3 | held is what open operations took; nothing else moves it |
//! | I4 | an operation's slices are its price × quantity, or free units, and are what its entries took |
//! | I5 | an operation's entries settle it once, as its state says; none that is open is archived |
//! | I6 | a `request_id` has one operation, archived or not, or payment; an id too |
//! | I7 | cached balances, `balance_after`, counters and sequence numbers are what entries, events and payments say; events are given out in their order |
//! | I8 | a payment moved what it was credited, less what its refunds took, through its provider's account, once, and stands where they say; nothing else moves that account |
//! | I9 | no slice gives back more than it took, and `refunded` is what came back |
//! | Promotions | promo codes were redeemed as often as they say, each time for a grant; referrals are of users who exist and stand where their top-ups say |

mod balances;
mod cursor;
mod operations;
mod payments;
mod promotions;
mod report;
#[cfg(test)]
mod tests;
mod users;

use sea_orm::DatabaseConnection;

use crate::store::{Snapshot, Store, StoreError};
use balances::{Balances, House};
use cursor::Cursor;
use operations::{Holds, Lot};
pub use report::{Invariant, Report, Topups, Violation};
use users::Found;

/// How many rows a page has.
const PAGE: u64 = 2000;
/// How many operations of one user are looked at together.
const LOT: usize = 20_000;

/// Checks everything, from one consistent snapshot, while the service goes on.
///
/// # Errors
/// The database could not be read to the end: nothing is proved then.
pub async fn run(connection: &DatabaseConnection) -> Result<Report, StoreError> {
    run_on(Store::new(connection.clone()).snapshot().await?).await
}

/// Checks everything that a snapshot shows, and ends it.
///
/// # Errors
/// It could not be read to the end: nothing is proved then.
pub async fn run_on(snapshot: Snapshot) -> Result<Report, StoreError> {
    in_lots(snapshot, LOT).await
}

/// With so many operations of one user looked at together.
async fn in_lots(snapshot: Snapshot, lot: usize) -> Result<Report, StoreError> {
    let mut check = Check::new(&snapshot, lot);
    while check.user().await? {}
    check.shared_ids().await?;
    check.positions().await?;
    check.promotions_of_all().await?;
    let report = check.finish();
    snapshot.end().await?;
    Ok(report)
}

struct Check<'a> {
    snapshot: &'a Snapshot,
    lot: usize,
    users: Cursor<'a, cursor::Users>,
    grants: Cursor<'a, cursor::Grants>,
    operations: Cursor<'a, cursor::Operations>,
    archived: Cursor<'a, cursor::ArchivedOperations>,
    entries: Cursor<'a, cursor::Entries>,
    payments: Cursor<'a, cursor::Payments>,
    payment_refunds: Cursor<'a, cursor::PaymentRefunds>,
    events: Cursor<'a, cursor::Events>,
    redemptions: Cursor<'a, cursor::Redemptions>,
    referrals: Cursor<'a, cursor::Referrals>,
    referral_codes: Cursor<'a, cursor::ReferralCodes>,
    house: House,
    report: Report,
}

impl<'a> Check<'a> {
    fn new(snapshot: &'a Snapshot, lot: usize) -> Self {
        Self {
            snapshot,
            lot,
            users: Cursor::new(snapshot),
            grants: Cursor::new(snapshot),
            operations: Cursor::new(snapshot),
            archived: Cursor::new(snapshot),
            entries: Cursor::new(snapshot),
            payments: Cursor::new(snapshot),
            payment_refunds: Cursor::new(snapshot),
            events: Cursor::new(snapshot),
            redemptions: Cursor::new(snapshot),
            referrals: Cursor::new(snapshot),
            referral_codes: Cursor::new(snapshot),
            house: House::default(),
            report: Report::default(),
        }
    }

    /// The next user, of whichever table names them first. `false`: there is none.
    async fn user(&mut self) -> Result<bool, StoreError> {
        let next = [
            self.users.user().await?,
            self.grants.user().await?,
            self.operations.user().await?,
            self.archived.user().await?,
            self.entries.user().await?,
            self.payments.user().await?,
            self.payment_refunds.user().await?,
            self.events.user().await?,
            self.redemptions.user().await?,
            self.referrals.user().await?,
            self.referral_codes.user().await?,
        ];
        let Some(id) = next.into_iter().flatten().min() else {
            return Ok(false);
        };
        let user = match self.users.next_of(&id).await? {
            None => {
                self.report.add(
                    Invariant::I7,
                    format!("users {id}"),
                    "has rows but does not exist",
                );
                None
            }
            Some((_, Err(error))) => {
                self.report.unreadable(&error);
                None
            }
            Some((_, Ok(user))) => Some(user),
        };
        let (balances, open) = self.rebuild(&id).await?;
        self.grants(&id, &balances).await?;
        let topups = self.payments(&id, &balances).await?;
        let last_event = self.events(&id).await?;
        self.promotions(&id, user.as_ref(), &balances).await?;
        if let Some(user) = user {
            self.compare(&user, &Found { balances, open, topups, last_event });
        }
        Ok(true)
    }

    /// Rebuilds a user's balances from their entries, and checks their operations by the same; answers what the open ones
    /// hold, too.
    async fn rebuild(&mut self, id: &str) -> Result<(Balances, Holds), StoreError> {
        let (mut balances, mut open) = (Balances::default(), Holds::new());
        let mut lot = self.lot(id, None).await?;
        while let Some((_, entry)) = self.entries.next_of(id).await? {
            self.report.entries += 1;
            match entry {
                Ok(entry) => {
                    balances.add(&entry, &mut self.house, &mut self.report);
                    lot.add(&entry, &mut self.report);
                }
                Err(error) => self.report.unreadable(&error),
            }
        }
        while let Some(last) = lot.finish(&mut open, &mut self.report) {
            lot = self.lot(id, Some(last)).await?;
            self.entries_again(id, &mut lot).await?;
        }
        Ok((balances, open))
    }

    /// Reads a user's entries once more, for another lot of operations.
    async fn entries_again(&mut self, id: &str, lot: &mut Lot) -> Result<(), StoreError> {
        let mut last = 0;
        loop {
            let page = self.snapshot.entries_of(id, last, PAGE).await?;
            let Some((end, _)) = page.last() else { return Ok(()) };
            last = *end;
            for (_, entry) in page {
                // What can't be read was told the first time.
                if let Ok(entry) = entry {
                    lot.add(&entry, &mut self.report);
                }
            }
        }
    }

    async fn shared_ids(&mut self) -> Result<(), StoreError> {
        for id in self.snapshot.shared_request_ids(PAGE).await? {
            let row = format!("operations with request_id {id}");
            self.report.add(Invariant::I6, row, "are more than one");
        }
        for id in self.snapshot.shared_operation_ids(PAGE).await? {
            let row = format!("operations with operation_id {id}");
            self.report.add(Invariant::I6, row, "are more than one");
        }
        for id in self.snapshot.shared_payment_requests(PAGE).await? {
            let row = format!("payments with request_id {id}");
            self.report.add(Invariant::I6, row, "are more than one");
        }
        for (provider, id) in self.snapshot.shared_provider_payments(PAGE).await? {
            let row = format!("payments that {provider} calls {id}");
            self.report.add(Invariant::I8, row, "are more than one");
        }
        Ok(())
    }

    fn finish(mut self) -> Report {
        self.house.finish(&mut self.report);
        self.report
    }
}
