//! What `reconcile` found, for people and for scripts.

use std::collections::BTreeMap;
use std::fmt;

use crate::ledger::{
    Amount, ParkReason, PaymentId, PaymentState, Provider, ProviderAmount, UserId,
};

/// How many differences are named; the others are counted.
const NAMED: usize = 1000;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The provider has the money, the user has nothing for it: lost so far, or waiting for a person.
    PaidNotCredited,
    /// The user has something that the provider has no money for.
    CreditedNotPaid,
    /// Both know the payment, and not the same amounts.
    AmountDiffers,
    /// The provider has money of no payment of ours.
    Unmatched,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::PaidNotCredited => "paid_not_credited",
            Self::CreditedNotPaid => "credited_not_paid",
            Self::AmountDiffers => "amount_differs",
            Self::Unmatched => "unmatched",
        }
    }
}

/// One payment that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How.
    pub kind: Kind,
    /// At whose.
    pub provider: Provider,
    /// The provider's name for it.
    pub provider_payment_id: String,
    /// What it is here.
    pub payment: Option<(PaymentId, UserId, PaymentState, Option<ParkReason>)>,
    /// What the provider says was paid, and given back of it.
    pub told: Option<(ProviderAmount, Amount)>,
}

/// What a provider says of all payments of the time, in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// How many.
    pub payments: u64,
    /// Paid, in micros.
    pub paid: i128,
    /// Given back of it.
    pub refunded: i128,
}

impl Total {
    pub(super) fn add(&mut self, paid: Amount, refunded: Amount) {
        self.payments += 1;
        self.paid += i128::from(paid.micros());
        self.refunded += i128::from(refunded.micros());
    }
}

/// What was compared and what differs.
///
/// Printed as one fact a line: `provider <name> <currency> payments <count> paid <micros> refunded <micros>`, then
/// `difference <kind> <provider> <the provider's name for it> …` for each payment that differs, then `clean` or
/// `differences <count>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What the providers say, by currency.
    pub totals: BTreeMap<(Provider, String), Total>,
    /// What differs.
    pub differences: Vec<Difference>,
}

impl Report {
    /// Does nothing differ?
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }

    pub(super) fn total(&mut self, provider: Provider, currency: &str) -> &mut Total {
        self.totals.entry((provider, currency.to_owned())).or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((provider, currency), Total { payments, paid, refunded }) in &self.totals {
            let provider = provider.name();
            writeln!(
                f,
                "provider {provider} {currency} payments {payments} paid {paid} refunded {refunded}"
            )?;
        }
        for difference in self.differences.iter().take(NAMED) {
            writeln!(f, "{difference}")?;
        }
        if self.is_clean() {
            write!(f, "clean")
        } else {
            write!(f, "differences {}", self.differences.len())
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, provider, provider_payment_id, payment, told } = self;
        write!(f, "difference {} {} {provider_payment_id}", kind.name(), provider.name())?;
        if let Some((paid, refunded)) = told {
            let ProviderAmount { amount, currency } = paid;
            write!(f, " paid {amount} {currency} refunded {refunded}")?;
        }
        if let Some((payment_id, user_id, state, parked)) = payment {
            write!(f, " payment {payment_id} of {user_id} {state:?}")?;
            if let Some(parked) = parked {
                write!(f, " parked {parked:?}")?;
            }
        }
        Ok(())
    }
}
