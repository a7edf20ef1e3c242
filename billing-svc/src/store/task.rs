//! Writes that no caller can leave half-way.

use sea_orm::DbErr;
use tracing::Instrument;

use super::StoreError;

/// Runs a write in a task of its own: an RPC's future is dropped when its client leaves, and a transaction or statement
/// that is dropped on the wire leaves its connection in an unknown state.
///
/// # Errors
/// Those of the write; `Unavailable` where the runtime is shutting down. A panic goes on in the caller.
pub async fn detached<T: Send + 'static>(
    write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::spawn(write.in_current_span()).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => {
                Err(StoreError::Unavailable(DbErr::Custom("the service is stopping".to_owned())))
            }
        },
    }
}
