//! Operations, grants, payments, and requests about them.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{DbErr, EntityTrait, QueryFilter};

use super::GrantKey;
use crate::ledger::{
    AdminRequest, Grant, Needs, Operation, OperationId, Payment, PaymentId, PaymentRefund,
    RefundId, RequestId, UserId,
};
use crate::store::archive::everywhere;
use crate::store::tables::{admin_requests, grants, operations, payment_refunds, payments};
use crate::store::transaction::Inner;
use crate::store::{StoreError, Transaction};

impl Transaction {
    /// What stands in the archive comes back: the batch may change it.
    pub(super) async fn operations(
        &self,
        users: &BTreeSet<UserId>,
        ids: &BTreeSet<OperationId>,
    ) -> Result<BTreeMap<OperationId, Operation>, StoreError> {
        let named = self.ids(ids.iter().map(|id| id.0));
        let rows = self.find_by::<operations::Entity>(operations::Column::OperationId, named);
        let mut found = read_operations(rows.await?)?;
        found.retain(|_, operation| users.contains(&operation.user_id));
        let missing: BTreeSet<_> =
            ids.iter().filter(|id| !found.contains_key(id)).copied().collect();
        if !missing.is_empty() && matches!(self.inner, Inner::Comparing(_)) {
            // It may be on its way to the archive or from there: only with its user locked is it in one place.
            let why = "an operation has to be looked for in the archive".to_owned();
            return Err(StoreError::Conflict(DbErr::Custom(why)));
        }
        found.extend(read_operations(self.bring_back(users, &missing).await?)?);
        Ok(found)
    }

    /// In one statement for both tables: the user of a request that another user repeats is not locked.
    pub(super) async fn charges(
        &self,
        request_ids: &BTreeSet<RequestId>,
    ) -> Result<BTreeMap<OperationId, Operation>, StoreError> {
        let ids = self.texts(request_ids.iter().map(RequestId::as_str));
        let ids = ids.hold(operations::Column::RequestId);
        read_operations(self.find(everywhere(operations::Entity::find().filter(ids))).await?)
    }

    pub(super) async fn admin_requests(
        &self,
        ids: &BTreeSet<RequestId>,
    ) -> Result<BTreeMap<RequestId, AdminRequest>, StoreError> {
        let ids = self.texts(ids.iter().map(RequestId::as_str));
        let rows = self.find_by::<admin_requests::Entity>(admin_requests::Column::RequestId, ids);
        let requests = rows.await?.into_iter().map(admin_requests::Model::read);
        requests.map(|row| row.map(|row| (row.request_id.clone(), row))).collect()
    }

    pub(super) async fn grants(
        &self,
        keys: &BTreeSet<GrantKey>,
    ) -> Result<BTreeMap<GrantKey, Grant>, StoreError> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let users: BTreeSet<&str> = keys.iter().map(|(user, _)| user.as_str()).collect();
        let select = grants::Entity::find()
            .filter(self.texts(users.into_iter()).hold(grants::Column::UserId))
            .filter(self.ids(keys.iter().map(|(_, id)| id.0)).hold(grants::Column::GrantId));
        read_grants(self.find(select).await?)
    }

    /// By each of the three ways in which a batch can name them.
    pub(super) async fn payments(
        &self,
        needs: &Needs,
    ) -> Result<BTreeMap<PaymentId, Payment>, StoreError> {
        use payments::{Column, Entity};
        let ids = self.ids(needs.payments.iter().map(|id| id.0));
        let mut found = read_payments(self.find_by::<Entity>(Column::PaymentId, ids).await?)?;
        found.retain(|_, payment| needs.users.contains(&payment.user_id));

        let ids = self.texts(needs.payment_requests.iter().map(RequestId::as_str));
        found.extend(read_payments(self.find_by::<Entity>(Column::RequestId, ids).await?)?);

        if !needs.provider_payments.is_empty() {
            let names = needs.provider_payments.iter();
            let providers: BTreeSet<&str> = names.map(|(provider, _)| provider.name()).collect();
            let ids = needs.provider_payments.iter().map(|(_, id)| id.as_str());
            let select = Entity::find()
                .filter(self.texts(providers.into_iter()).hold(Column::Provider))
                .filter(self.texts(ids).hold(Column::ProviderPaymentId));
            found.extend(read_payments(self.find(select).await?)?);
        }
        Ok(found)
    }

    pub(super) async fn refunds_of(
        &self,
        payments: &BTreeMap<PaymentId, Payment>,
    ) -> Result<BTreeMap<(PaymentId, RefundId), PaymentRefund>, StoreError> {
        let ids = self.ids(payments.keys().map(|id| id.0));
        let rows = self.find_by::<payment_refunds::Entity>(payment_refunds::Column::PaymentId, ids);
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

pub(super) fn read_grants(
    rows: Vec<grants::Model>,
) -> Result<BTreeMap<GrantKey, Grant>, StoreError> {
    let grants = rows.into_iter().map(grants::Model::read);
    grants.map(|row| row.map(|row| ((row.user_id.clone(), row.grant_id), row))).collect()
}

fn read_payments(rows: Vec<payments::Model>) -> Result<BTreeMap<PaymentId, Payment>, StoreError> {
    let payments = rows.into_iter().map(payments::Model::read);
    payments.map(|row| row.map(|row| (row.payment_id, row))).collect()
}
