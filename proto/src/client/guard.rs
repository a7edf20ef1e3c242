//! A paid handler: nothing runs unpaid, and what fails is given back.

use std::future::Future;

use super::{BillingClient, CallError, Refusal};
use crate::billing::v1::{ChargeRequest, Operation, OperationState, RefundReason, RefundRequest};

/// Why [`BillingClient::guard`] did not end well. `E` is the handler's error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GuardError<E> {
    /// The user was not charged, and the handler did not run. Where nobody answered, what may have been taken comes back at the
    /// end of the hold.
    #[error("not charged: {0}")]
    NotCharged(#[source] CallError),
    /// The handler failed. Everything was given back, or is at the end of the hold.
    #[error("{0}")]
    Failed(E),
}

impl BillingClient {
    /// Charges, then runs `handler` with the operation; where that fails, gives everything back and returns its error.
    ///
    /// After `handler` returned the operation is held: whoever does the job completes or refunds it by its `operation_id`,
    /// and billing-svc refunds it at the end of the hold if nobody does. So it does where this future is dropped, or where
    /// `handler` panics.
    ///
    /// A request that is repeated (an update that came twice) charges nothing twice. `handler` then runs again with the same
    /// `operation_id`, by which the job's queue knows that it has the job already. `None`: it did not run, as the operation is
    /// settled, and nobody pays for another run.
    ///
    /// # Errors
    /// [`GuardError::NotCharged`], mostly with a [`Refusal`] to tell the user of; [`GuardError::Failed`] with the handler's own
    /// error.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/billing.rs"));
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let live = Live::start(&[("BILLING_FREE_OPERATIONS", "0")]);
    /// # live.top_up("tg:42", 10).await;
    /// # let billing = proto::client::BillingClient::new(&live.config("gateway"))?;
    /// # let mut queue = Vec::new();
    /// use proto::billing::v1::ChargeRequest;
    /// use proto::client::GuardError;
    ///
    /// let picture = |request_id: &str| ChargeRequest {
    ///     request_id: request_id.to_owned(),
    ///     user_id: "tg:42".to_owned(),
    ///     kind: "generate".to_owned(),
    ///     ..Default::default()
    /// };
    ///
    /// // What fails costs nothing.
    /// let failed = billing.guard(picture("tg-7-1001"), async |_| Err::<(), _>("the queue is full"));
    /// assert!(matches!(failed.await, Err(GuardError::Failed("the queue is full"))));
    ///
    /// // The job carries the operation that paid for it.
    /// let queued = billing.guard(picture("tg-7-1002"), async |operation| {
    ///     queue.push(operation.operation_id);
    ///     Ok::<_, std::io::Error>(())
    /// });
    /// assert_eq!(queued.await?, Some(()));
    /// # assert_eq!(queue.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn guard<T, E, F>(
        &self,
        request: ChargeRequest,
        handler: impl FnOnce(Operation) -> F,
    ) -> Result<Option<T>, GuardError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let charged = self.charge(request).await.map_err(GuardError::NotCharged)?;
        let operation = charged.operation.unwrap_or_default();
        if operation.state() != OperationState::Charged {
            return Ok(None);
        }
        let operation_id = operation.operation_id.clone();
        match handler(operation).await {
            Ok(done) => Ok(Some(done)),
            Err(error) => {
                self.give_back(operation_id).await;
                Err(GuardError::Failed(error))
            }
        }
    }

    async fn give_back(&self, operation_id: String) {
        let request = RefundRequest {
            operation_id: operation_id.clone(),
            reason: RefundReason::JobFailed.into(),
            comment: "the handler failed".to_owned(),
            amount: None,
        };
        let Err(error) = self.refund(request).await else { return };
        // Settled: the handler had done so, or the job was done.
        if !matches!(error.refusal(), Some(Refusal::OperationSettled { .. })) {
            tracing::error!(%error, operation_id, "it is given back at the end of its hold, not now");
        }
    }
}
