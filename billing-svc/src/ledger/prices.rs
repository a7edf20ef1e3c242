//! What operations cost.

use super::{Amount, Kind};

/// One line of the price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// What is charged for.
    pub kind: Kind,
    /// Of one unit; 0 to [`super::MAX_MOVEMENT`].
    pub amount: Amount,
    /// May free operations pay for it?
    pub free_operations_allowed: bool,
}

/// The price list in force. An operation keeps the price and version it was charged at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceList {
    /// Rises with each list that is published, from 1.
    pub version: i64,
    /// In the order in which people see them; a kind stands once.
    pub prices: Vec<Price>,
}

impl PriceList {
    /// The line of a kind.
    pub fn price(&self, kind: &Kind) -> Option<&Price> {
        self.prices.iter().find(|price| price.kind == *kind)
    }
}
