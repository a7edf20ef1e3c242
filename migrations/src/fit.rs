//! Whether a database's schema is the one that a program was built for.

use sea_orm_migration::{
    IntoSchemaManagerConnection, MigratorTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryOrder},
    seaql_migrations,
};

/// How a database's schema compares with the one that a program knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It is the very one.
    Same,
    /// Changes that the program needs are missing: it would fail.
    Older {
        /// Those that have to be applied, oldest first.
        pending: Vec<String>,
    },
    /// Nothing is missing, and there is more. A program that runs goes on: changes only expand what the release before
    /// them uses (see the crate's documentation). That is how it stands during a roll-out, when the changes come first.
    Newer {
        /// The changes that only a newer program knows, oldest first.
        unknown: Vec<String>,
    },
    /// Some changes are missing and others are unknown: another service's database, or a branch of the history.
    Other {
        /// Those that have to be applied, oldest first.
        pending: Vec<String>,
        /// Those that the program doesn't know, oldest first.
        unknown: Vec<String>,
    },
}

/// Compares the database's schema with the one that `M` describes. Reads two small tables and writes nothing; an error
/// when the database can't be read.
pub async fn fits<M: MigratorTrait>(connection: &DatabaseConnection) -> Result<Fit, DbErr> {
    fit::<M, _>(connection).await
}

/// The same within a transaction.
pub(crate) async fn fit<M, C>(connection: &C) -> Result<Fit, DbErr>
where
    M: MigratorTrait,
    C: ConnectionTrait,
    for<'c> &'c C: IntoSchemaManagerConnection<'c>,
{
    let table = M::migration_table_name().to_string();
    let applied: Vec<String> = if SchemaManager::new(connection).has_table(table).await? {
        let rows = seaql_migrations::Entity::find()
            .order_by_asc(seaql_migrations::Column::Version)
            .all(connection)
            .await?;
        rows.into_iter().map(|row| row.version).collect()
    } else {
        Vec::new()
    };
    let known: Vec<String> = M::migrations().iter().map(|m| m.name().to_owned()).collect();
    let missing = |of: &[String], there: &[String]| -> Vec<String> {
        of.iter().filter(|name| !there.contains(name)).cloned().collect()
    };
    let (pending, unknown) = (missing(&known, &applied), missing(&applied, &known));
    Ok(match (pending.is_empty(), unknown.is_empty()) {
        (true, true) => Fit::Same,
        (false, true) => Fit::Older { pending },
        (true, false) => Fit::Newer { unknown },
        (false, false) => Fit::Other { pending, unknown },
    })
}
