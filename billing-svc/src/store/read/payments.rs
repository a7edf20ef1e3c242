//! Payments and their refunds, and a user's history of everything that moved money.

use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use crate::ledger::{
    Operation, Payment, PaymentId, PaymentRefund, PaymentState, Provider, RequestId, Timestamp,
    UserId,
};
use crate::store::tables::{Named as _, payment_refunds, payments};
use crate::store::{Store, StoreError, dialect};

/// The states of payments whose money a provider has, or had.
const PAID: [PaymentState; 4] =
    [PaymentState::Paid, PaymentState::Credited, PaymentState::Refunded, PaymentState::Disputed];

/// One line of a user's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryRow {
    /// What they asked for.
    Operation(Operation),
    /// What they paid in.
    Payment(Payment),
    /// What went back to them.
    Refund(PaymentRefund),
}

impl HistoryRow {
    /// Its id, by which pages are cut: UUIDv7, whatever it is of.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Operation(operation) => operation.operation_id.0,
            Self::Payment(payment) => payment.payment_id.0,
            Self::Refund(refund) => refund.refund_id.0,
        }
    }
}

impl Store {
    /// One payment.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`; so for all that follow.
    pub async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.one_payment(payments::Column::PaymentId.eq(id.0)).await
    }

    /// The payment that a caller made under this id.
    pub async fn payment_by_request(&self, id: &RequestId) -> Result<Option<Payment>, StoreError> {
        self.one_payment(payments::Column::RequestId.eq(id.as_str())).await
    }

    /// The payment that its provider calls so.
    pub async fn payment_by_provider_id(
        &self,
        provider: Provider,
        id: &str,
    ) -> Result<Option<Payment>, StoreError> {
        use payments::Column;
        let name = Column::Provider.eq(provider.name()).and(Column::ProviderPaymentId.eq(id));
        self.one_payment(name).await
    }

    async fn one_payment(&self, filter: Expr) -> Result<Option<Payment>, StoreError> {
        let found = payments::Entity::find().filter(filter).one(&self.connection).await;
        found.map_err(dialect::failed)?.map(payments::Model::read).transpose()
    }

    /// All refunds of a payment, oldest first.
    pub async fn refunds_of(
        &self,
        user_id: &UserId,
        payment_id: PaymentId,
    ) -> Result<Vec<PaymentRefund>, StoreError> {
        use payment_refunds::Column;
        let rows = payment_refunds::Entity::find()
            .filter(Column::UserId.eq(user_id.as_str()))
            .filter(Column::PaymentId.eq(payment_id.0))
            .order_by_asc(Column::CreateTime)
            .order_by_asc(Column::RefundId)
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        rows.into_iter().map(payment_refunds::Model::read).collect()
    }

    /// Payments of a user, newest first, older than `before`; of all states where `states` is empty.
    pub async fn payments_of(
        &self,
        user_id: &UserId,
        states: &[PaymentState],
        before: Option<PaymentId>,
        limit: u64,
    ) -> Result<Vec<Payment>, StoreError> {
        use payments::Column;
        let mut select = payments::Entity::find()
            .filter(Column::UserId.eq(user_id.as_str()))
            .order_by_desc(Column::PaymentId)
            .limit(limit);
        if !states.is_empty() {
            select = select.filter(Column::State.is_in(states.iter().map(|state| state.name())));
        }
        if let Some(before) = before {
            select = select.filter(Column::PaymentId.lt(before.0));
        }
        let rows = select.all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(payments::Model::read).collect()
    }

    /// Operations, payments and refunds of a user, newest first, older than `before`.
    pub async fn history_of(
        &self,
        user_id: &UserId,
        before: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        use crate::ledger::OperationId;
        let operations = self.operations(user_id, &[], before.map(OperationId), limit).await?;
        let payments = self.payments_of(user_id, &[], before.map(PaymentId), limit).await?;
        let refunds = self.refunds_before(user_id, before, limit).await?;
        let operations = operations.into_iter().map(HistoryRow::Operation);
        let payments = payments.into_iter().map(HistoryRow::Payment);
        let refunds = refunds.into_iter().map(HistoryRow::Refund);
        let mut rows: Vec<HistoryRow> = operations.chain(payments).chain(refunds).collect();
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id()));
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(rows)
    }

    async fn refunds_before(
        &self,
        user_id: &UserId,
        before: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<PaymentRefund>, StoreError> {
        use payment_refunds::Column;
        let mut select = payment_refunds::Entity::find()
            .filter(Column::UserId.eq(user_id.as_str()))
            .order_by_desc(Column::RefundId)
            .limit(limit);
        if let Some(before) = before {
            select = select.filter(Column::RefundId.lt(before));
        }
        let rows = select.all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(payment_refunds::Model::read).collect()
    }

    /// Payments of a provider that we learned to be paid in `from..to`, whatever became of them since, in the order of
    /// user and id, after the one given. Reads the whole table, page by page.
    pub async fn payments_between(
        &self,
        provider: Provider,
        from: Timestamp,
        to: Timestamp,
        after: Option<(UserId, PaymentId)>,
        limit: u64,
    ) -> Result<Vec<Payment>, StoreError> {
        use payments::Column;
        let mut select = payments::Entity::find()
            .filter(Column::Provider.eq(provider.name()))
            .filter(Column::State.is_in(PAID.map(|state| state.name())))
            .filter(Column::PaidTime.gte(from.micros()))
            .filter(Column::PaidTime.lt(to.micros()))
            .order_by_asc(Column::UserId)
            .order_by_asc(Column::PaymentId)
            .limit(limit);
        if let Some((user, id)) = after {
            let key = Expr::tuple([Expr::col(Column::UserId), Expr::col(Column::PaymentId)]);
            select = select.filter(key.gt(Expr::tuple([user.as_str().into(), id.0.into()])));
        }
        let rows = select.all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(payments::Model::read).collect()
    }

    /// How many payments wait for a person.
    pub async fn parked_payments(&self) -> Result<i64, StoreError> {
        let count = payments::Entity::find()
            .filter(payments::Column::Parked.is_not_null())
            .count(&self.connection)
            .await
            .map_err(dialect::failed)?;
        Ok(i64::try_from(count).unwrap_or(i64::MAX))
    }
}
