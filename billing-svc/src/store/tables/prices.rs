//! `price_lists` and `prices`: what operations cost, in every version there was.

use sea_orm::{
    QueryOrder,
    entity::prelude::*,
    sea_query::{ExprTrait, Query},
};

use super::unreadable;
use crate::ledger::{Amount, Kind, Price, PriceList};
use crate::store::{StoreError, dialect};

/// `price_lists`: a row for each version, so that a version can be taken only once.
pub mod lists {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "price_lists")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i64,
        pub publish_time: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "prices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    pub kind: String,
    pub amount: i64,
    pub free_operations_allowed: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    fn read(self) -> Result<Price, StoreError> {
        let key = format!("{} {}", self.version, self.position);
        Ok(Price {
            kind: Kind::parse(self.kind).map_err(|_| unreadable("prices", key, "kind"))?,
            amount: Amount::from_micros(self.amount),
            free_operations_allowed: self.free_operations_allowed != 0,
        })
    }
}

/// The rows of one version, in order of position.
fn read(rows: Vec<Model>) -> Result<PriceList, StoreError> {
    let version = rows.first().map_or(0, |row| row.version);
    let prices = rows.into_iter().map(Model::read).collect::<Result<_, _>>()?;
    Ok(PriceList { version, prices })
}

pub fn rows(list: &PriceList) -> Vec<Model> {
    let row = |(position, price): (i64, &Price)| Model {
        version: list.version,
        position,
        kind: price.kind.to_string(),
        amount: price.amount.micros(),
        free_operations_allowed: i64::from(price.free_operations_allowed),
    };
    (1..).zip(&list.prices).map(row).collect()
}

/// The price list in force; version 0 and empty before the first was published.
pub async fn newest<C: ConnectionTrait>(connection: &C) -> Result<PriceList, StoreError> {
    let version = Query::select().expr(Expr::col(Column::Version).max()).from(Entity).take();
    let rows = Entity::find()
        .filter(Column::Version.in_subquery(version))
        .order_by_asc(Column::Position)
        .all(connection)
        .await
        .map_err(dialect::failed)?;
    read(rows)
}
