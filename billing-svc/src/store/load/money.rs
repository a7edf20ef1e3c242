//! Operations, grants, payments, and requests about them.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use super::GrantKey;
use crate::ledger::{
    AdminRequest, Grant, Needs, Operation, OperationId, Payment, PaymentId, PaymentRefund,
    RefundId, RequestId, Timestamp, UserId,
};
use crate::store::tables::{admin_requests, grants, operations, payment_refunds, payments};
use crate::store::{StoreError, Transaction};

impl Transaction {
    pub(super) async fn operations(
        &self,
        users: &BTreeSet<UserId>,
        ids: &BTreeSet<OperationId>,
    ) -> Result<BTreeMap<OperationId, Operation>, StoreError> {
        let rows = self.find(ids.iter().map(|id| id.0), |ids| {
            operations::Entity::find().filter(operations::Column::OperationId.is_in(ids))
        });
        let mut found = read_operations(rows.await?)?;
        found.retain(|_, operation| users.contains(&operation.user_id));
        Ok(found)
    }

    pub(super) async fn charges(
        &self,
        request_ids: &BTreeSet<RequestId>,
    ) -> Result<BTreeMap<OperationId, Operation>, StoreError> {
        let rows = self.find(request_ids.iter().map(RequestId::as_str), |ids| {
            operations::Entity::find().filter(operations::Column::RequestId.is_in(ids))
        });
        read_operations(rows.await?)
    }

    pub(super) async fn admin_requests(
        &self,
        ids: &BTreeSet<RequestId>,
    ) -> Result<BTreeMap<RequestId, AdminRequest>, StoreError> {
        let rows = self.find(ids.iter().map(RequestId::as_str), |ids| {
            admin_requests::Entity::find().filter(admin_requests::Column::RequestId.is_in(ids))
        });
        let requests = rows.await?.into_iter().map(admin_requests::Model::read);
        requests.map(|row| row.map(|row| (row.request_id.clone(), row))).collect()
    }

    /// Those that are live or hold something.
    pub(super) async fn grants_of(
        &self,
        users: &BTreeSet<UserId>,
        now: Timestamp,
    ) -> Result<BTreeMap<GrantKey, Grant>, StoreError> {
        let useful = Condition::any()
            .add(grants::Column::Remaining.gt(0))
            .add(grants::Column::ExpireTime.is_null())
            .add(grants::Column::ExpireTime.gt(now.micros()));
        let rows = self.find(users.iter().map(UserId::as_str), |ids| {
            grants::Entity::find().filter(grants::Column::UserId.is_in(ids)).filter(useful.clone())
        });
        read_grants(rows.await?)
    }

    pub(super) async fn grants(
        &self,
        keys: &BTreeSet<GrantKey>,
    ) -> Result<BTreeMap<GrantKey, Grant>, StoreError> {
        let rows = self.find(keys.iter(), |keys| {
            let users: BTreeSet<&str> = keys.iter().map(|(user, _)| user.as_str()).collect();
            let ids = keys.iter().map(|(_, id)| id.0);
            grants::Entity::find()
                .filter(grants::Column::UserId.is_in(users))
                .filter(grants::Column::GrantId.is_in(ids))
        });
        read_grants(rows.await?)
    }

    /// By each of the three ways in which a batch can name them.
    pub(super) async fn payments(
        &self,
        needs: &Needs,
    ) -> Result<BTreeMap<PaymentId, Payment>, StoreError> {
        use payments::{Column, Entity};
        let rows = self.find(needs.payments.iter().map(|id| id.0), |ids| {
            Entity::find().filter(Column::PaymentId.is_in(ids))
        });
        let mut found = read_payments(rows.await?)?;
        found.retain(|_, payment| needs.users.contains(&payment.user_id));

        let rows = self.find(needs.payment_requests.iter().map(RequestId::as_str), |ids| {
            Entity::find().filter(Column::RequestId.is_in(ids))
        });
        found.extend(read_payments(rows.await?)?);

        let rows = self.find(needs.provider_payments.iter(), |names| {
            let providers: BTreeSet<&str> =
                names.iter().map(|(provider, _)| provider.name()).collect();
            let ids = names.iter().map(|(_, id)| id.as_str());
            Entity::find()
                .filter(Column::Provider.is_in(providers))
                .filter(Column::ProviderPaymentId.is_in(ids))
        });
        found.extend(read_payments(rows.await?)?);
        Ok(found)
    }

    pub(super) async fn refunds_of(
        &self,
        payments: &BTreeMap<PaymentId, Payment>,
    ) -> Result<BTreeMap<(PaymentId, RefundId), PaymentRefund>, StoreError> {
        let rows = self.find(payments.keys().map(|id| id.0), |ids| {
            payment_refunds::Entity::find().filter(payment_refunds::Column::PaymentId.is_in(ids))
        });
        let refunds = rows.await?.into_iter().map(payment_refunds::Model::read);
        refunds.map(|row| row.map(|row| ((row.payment_id, row.refund_id), row))).collect()
    }
}

fn read_operations(
    rows: Vec<operations::Model>,
) -> Result<BTreeMap<OperationId, Operation>, StoreError> {
    let operations = rows.into_iter().map(operations::Model::read);
    operations.map(|row| row.map(|row| (row.operation_id, row))).collect()
}

fn read_grants(rows: Vec<grants::Model>) -> Result<BTreeMap<GrantKey, Grant>, StoreError> {
    let grants = rows.into_iter().map(grants::Model::read);
    grants.map(|row| row.map(|row| ((row.user_id.clone(), row.grant_id), row))).collect()
}

fn read_payments(rows: Vec<payments::Model>) -> Result<BTreeMap<PaymentId, Payment>, StoreError> {
    let payments = rows.into_iter().map(payments::Model::read);
    payments.map(|row| row.map(|row| (row.payment_id, row))).collect()
}
