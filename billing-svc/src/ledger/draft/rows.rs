//! One table of a batch under way.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// The rows that were loaded and made, and which of them are to be written.
pub(super) struct Rows<K, V> {
    rows: BTreeMap<K, V>,
    new: BTreeSet<K>,
    changed: BTreeSet<K>,
}

impl<K: Ord + Clone, V> Rows<K, V> {
    pub(super) fn loaded(rows: BTreeMap<K, V>) -> Self {
        Self { rows, new: BTreeSet::new(), changed: BTreeSet::new() }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn range(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = &V> {
        self.rows.range(keys).map(|(_, row)| row)
    }

    /// A row to change: it will be written.
    pub(super) fn change(&mut self, key: &K) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.changed.insert(key.clone());
        Some(row)
    }

    /// A row that was not there.
    pub(super) fn add(&mut self, key: K, row: V) {
        self.new.insert(key.clone());
        self.rows.insert(key, row);
    }

    /// A row that was there, in its next form.
    pub(super) fn update(&mut self, key: K, row: V) {
        self.changed.insert(key.clone());
        self.rows.insert(key, row);
    }

    /// The new rows, and those that changed.
    pub(super) fn written(self) -> (Vec<V>, Vec<V>) {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (key, row) in self.rows {
            if self.new.contains(&key) {
                new.push(row);
            } else if self.changed.contains(&key) {
                changed.push(row);
            }
        }
        (new, changed)
    }
}
