//! Publishes the prices that a deployment starts with; from then on administrators do.

use super::{Store, StoreError};
use crate::ledger::{Price, PriceList};

/// How often the race against other instances that start at the same time may be lost.
const ATTEMPTS: u32 = 8;

impl Store {
    /// Makes these the prices in force: a new version only where they differ from the newest. Several instances may
    /// do so at once; those that come with the same prices end up with the same version.
    ///
    /// # Errors
    /// As the database answers; `Conflict` or `Retryable` where the race was lost too often.
    pub async fn publish_prices(&self, prices: &[Price]) -> Result<PriceList, StoreError> {
        self.publish_unless(prices, |newest| newest.prices == prices).await
    }

    /// Makes these the prices in force where none were ever published; answers those in force.
    ///
    /// # Errors
    /// As above.
    pub async fn publish_first_prices(&self, prices: &[Price]) -> Result<PriceList, StoreError> {
        self.publish_unless(prices, |newest| newest.version > 0).await
    }

    async fn publish_unless(
        &self,
        prices: &[Price],
        stay: impl Fn(&PriceList) -> bool,
    ) -> Result<PriceList, StoreError> {
        let mut attempt = 1;
        loop {
            match self.publish(prices, &stay).await {
                Err(StoreError::Conflict(_) | StoreError::Retryable(_)) if attempt < ATTEMPTS => {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    async fn publish(
        &self,
        prices: &[Price],
        stay: impl Fn(&PriceList) -> bool,
    ) -> Result<PriceList, StoreError> {
        let transaction = self.begin().await?;
        let newest = transaction.prices().await?;
        if stay(&newest) {
            transaction.roll_back().await?;
            return Ok(newest);
        }
        let list = PriceList { version: newest.version + 1, prices: prices.to_vec() };
        transaction.insert_prices(&list).await?;
        transaction.commit().await?;
        Ok(list)
    }
}
