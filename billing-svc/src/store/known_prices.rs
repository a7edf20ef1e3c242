//! The newest price list that this process has read. A version never changes once it is there, so whoever knows that it is
//! in force need not read it again.

use std::sync::{Arc, PoisonError, RwLock};

use crate::ledger::PriceList;

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KnownPrices(Arc<RwLock<PriceList>>);

impl KnownPrices {
    /// The list of that version, if it is the one that is known.
    pub fn of(&self, version: i64) -> Option<PriceList> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (known.version == version).then(|| known.clone())
    }

    /// To be called with what is committed only.
    pub fn keep(&self, list: &PriceList) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if list.version > known.version {
            known.clone_from(list);
        }
    }
}
