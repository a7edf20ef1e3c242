//! What a phase asks of the outside, done once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::await_result::await_result;
use super::machine::{Effect, Outcome, Policy};
use crate::blobs::{BlobError, Blobs};
use crate::clock::Time;
use crate::deliver::{Delivery, Handed};
use crate::fal::{Class, Failure, FalClient, Models, NotAccepted};
use crate::jobs::Job;
use crate::metrics;
use crate::settle::{NotDone, Settlement};

/// How long the money is held for an attempt; made longer when less than half is left.
pub(super) const HOLD: Duration = Duration::from_secs(30 * 60);
/// How long it is held for a delivery: an outage between the pictures going out and Complete must not outlast it.
const DELIVERY_HOLD: Duration = Duration::from_secs(24 * 3600);

/// Everyone outside that a job needs.
#[derive(Debug, Clone)]
pub struct World {
    /// Pictures.
    pub blobs: Blobs,
    /// The provider.
    pub fal: FalClient,
    /// Its apps.
    pub models: Arc<Models>,
    /// Billing.
    pub settlement: Settlement,
    /// The gateway.
    pub delivery: Delivery,
    /// The first pause between two questions to the provider.
    pub poll_interval: Duration,
}

impl World {
    /// Does it. None: `stop` was called where the effect can be taken up again without loss.
    pub(super) async fn perform(
        &self,
        effect: Effect,
        job: &mut Job,
        policy: &Policy,
        stop: &CancellationToken,
    ) -> Option<Outcome> {
        match effect {
            Effect::ExtendHold => {
                let held = self.settlement.extend_hold(&job.operation_id, HOLD).await;
                Some(held.map_or_else(not_done, Outcome::HoldKept))
            }
            Effect::Submit => Some(self.submit(job).await),
            Effect::AwaitResult(request) => {
                let outcome = await_result(self, job, &request, policy.deadline(job), stop).await;
                if let Some(Outcome::Stored(_)) = outcome {
                    metrics::generated(job, Time::now());
                }
                outcome
            }
            Effect::Deliver => Some(self.deliver(job).await),
            Effect::Complete => Some(settled(self.settlement.complete(&job.operation_id).await)),
            Effect::Refund(reason) => {
                let refunded = self.settlement.refund(&job.operation_id, reason).await;
                if refunded.is_ok() {
                    metrics::refunded(reason);
                }
                Some(settled(refunded))
            }
            Effect::Tell(reason) => Some(handed(self.delivery.failure(job, reason).await)),
        }
    }

    /// Holds the money for `hold` from now if less than half of that is left.
    pub(super) async fn keep_held(&self, job: &mut Job, hold: Duration) -> Result<(), NotDone> {
        let enough = Time::now().plus(hold / 2);
        if job.hold_until.is_some_and(|until| until > enough) {
            return Ok(());
        }
        job.hold_until = Some(self.settlement.extend_hold(&job.operation_id, hold).await?);
        Ok(())
    }

    async fn submit(&self, job: &Job) -> Outcome {
        let Some(model) = self.models.of(job.spec.kind) else {
            return Outcome::AttemptFailed(Failure::new(Class::Misconfigured));
        };
        let inputs = match self.inputs(job).await {
            Ok(inputs) => inputs,
            Err(failure) => return Outcome::AttemptFailed(failure),
        };
        match self.fal.submit(&model.app, model.body(&job.spec, inputs)).await {
            Ok(request) => Outcome::Accepted(request),
            Err(NotAccepted::AnswerLost) => Outcome::AnswerLost,
            Err(NotAccepted::Failed(failure)) => Outcome::AttemptFailed(failure),
        }
    }

    async fn inputs(&self, job: &Job) -> Result<Vec<(&'static str, Bytes)>, Failure> {
        let mut inputs = Vec::with_capacity(job.spec.input_ids.len());
        for id in &job.spec.input_ids {
            let bytes = match self.blobs.input(&job.spec.user_id, id).await {
                Ok(bytes) => bytes,
                Err(BlobError::NotFound) => {
                    tracing::error!(operation_id = job.operation_id, "an input is gone");
                    return Err(Failure::new(Class::BadInput));
                }
                Err(error) => {
                    tracing::warn!(operation_id = job.operation_id, %error, "an input can't be read");
                    return Err(Failure::new(Class::Retry));
                }
            };
            // Checked when it was uploaded.
            let mime =
                service_kit::picture::mime_type(&bytes).unwrap_or("application/octet-stream");
            inputs.push((mime, bytes));
        }
        Ok(inputs)
    }

    async fn deliver(&self, job: &mut Job) -> Outcome {
        if let Err(refused) = self.keep_held(job, DELIVERY_HOLD).await {
            return not_done(refused);
        }
        handed(self.delivery.pictures(job).await)
    }
}

fn settled(answer: Result<(), NotDone>) -> Outcome {
    answer.map_or_else(not_done, |()| Outcome::Settled)
}

fn not_done(refused: NotDone) -> Outcome {
    match refused {
        NotDone::Settled(settled) => Outcome::NotHeld(settled),
        NotDone::Later(pause) => Outcome::Unavailable(pause),
    }
}

fn handed(handed: Handed) -> Outcome {
    match handed {
        Handed::Delivered => Outcome::Delivered,
        Handed::Blocked => Outcome::Blocked,
        Handed::GivenUp => Outcome::GivenUp,
        Handed::Later(pause) => Outcome::Unavailable(pause),
        Handed::Refused => Outcome::Refused,
    }
}
