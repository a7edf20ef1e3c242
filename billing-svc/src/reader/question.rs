//! What can be asked, and where the answers come from.

use std::sync::Arc;
use std::time::SystemTime;

use crate::ledger::{OperationId, Policy, Timestamp, UserId, UserView};
use crate::store::{Store, StoreError};

/// Where answers come from.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) store: Store,
    pub(super) policy: Arc<Policy>,
}

/// What can be asked for many at once.
pub(super) trait Question: Clone + Send + Sync + 'static {
    type Answer: std::fmt::Debug + Send + 'static;
    /// For metrics and the log.
    const NAME: &'static str;

    /// An answer for each, in order.
    fn ask(
        source: &Source,
        asked: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send;
}

impl Question for UserId {
    type Answer = UserView;
    const NAME: &'static str = "user";

    async fn ask(source: &Source, asked: &[Self]) -> Result<Vec<UserView>, StoreError> {
        let now = Timestamp::from_micros(service_kit::time::to_micros(SystemTime::now()));
        source.store.user_views(asked, &source.policy, now).await
    }
}

impl Question for OperationId {
    type Answer = Option<UserId>;
    const NAME: &'static str = "owner";

    async fn ask(source: &Source, asked: &[Self]) -> Result<Vec<Option<UserId>>, StoreError> {
        source.store.owners(asked).await
    }
}
