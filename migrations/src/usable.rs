//! What a readiness probe asks about the schema.

use sea_orm_migration::{MigratorTrait, sea_orm::DatabaseConnection};

use crate::fit::{Fit, fits};

/// Can a program that knows `M`, and runs, work on this database now? The error says why not, without secrets. A newer schema will
/// do: during a roll-out the changes come first, and they only expand what the release before them uses.
pub async fn usable<M: MigratorTrait>(connection: DatabaseConnection) -> Result<(), String> {
    match fits::<M>(&connection).await {
        Ok(Fit::Same | Fit::Newer { .. }) => Ok(()),
        Ok(Fit::Older { pending }) => {
            Err(format!("the schema is older than this program: {pending:?} not applied"))
        }
        Ok(Fit::Other { pending, unknown }) => Err(format!(
            "the schema is of another history: {pending:?} not applied, {unknown:?} unknown"
        )),
        Err(error) => {
            tracing::warn!(%error, "the schema can't be read");
            Err("the schema can't be read".to_owned())
        }
    }
}
