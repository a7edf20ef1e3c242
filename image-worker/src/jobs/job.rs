//! The record of one job: the payload of its queue row.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::clock::Time;

/// One job, from the moment it was taken until its row is pruned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Billing's id of the operation, and the id of the queue row.
    pub operation_id: String,
    /// What was asked for; never changes.
    pub spec: Spec,
    /// Where the job stands. Stored before and after each effect on the world outside.
    pub phase: Phase,
    /// Each time the provider was asked, oldest first.
    pub attempts: Vec<Attempt>,
    /// How often in a row billing, the gateway or the object store failed us in this phase.
    pub stumbles: u32,
    /// How long billing holds the money, as far as we know.
    pub hold_until: Option<Time>,
    /// What came out; the bytes are in the object store.
    pub pictures: Vec<Picture>,
    /// When it was taken.
    pub create_time: Time,
}

impl Job {
    /// A job that was just taken.
    pub fn new(operation_id: String, spec: Spec, now: Time) -> Self {
        Self {
            operation_id,
            spec,
            phase: Phase::Queued,
            attempts: Vec::new(),
            stumbles: 0,
            hold_until: None,
            pictures: Vec::new(),
            create_time: now,
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Whose operation it is.
    pub user_id: String,
    /// What to do.
    pub kind: Kind,
    /// The user's words; may be empty where the kind needs none.
    pub prompt: Prompt,
    /// The pictures to work on, in order.
    pub input_ids: Vec<String>,
    /// Parameters for the provider's app.
    pub options: BTreeMap<String, String>,
    /// Where the end is told.
    pub reply_to: ReplyTo,
}

impl Spec {
    /// The first field in which a repeated request differs. The message to edit and the language may: a gateway
    /// that died before it noted the first answer has written a new message since.
    pub fn first_difference(&self, other: &Self) -> Option<&'static str> {
        let checks = [
            ("user_id", self.user_id == other.user_id),
            ("kind", self.kind == other.kind),
            ("prompt", self.prompt == other.prompt),
            ("input_ids", self.input_ids == other.input_ids),
            ("options", self.options == other.options),
            ("reply_to.chat_id", self.reply_to.chat_id == other.reply_to.chat_id),
        ];
        checks.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
    }
}

/// A user's words. `Debug` hides them: they belong in no log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prompt(pub String);

impl fmt::Debug for Prompt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "[{} characters]", self.0.chars().count())
    }
}

/// Where the end of the job is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// Telegram's chat.
    pub chat_id: i64,
    /// The message that says that the job runs; 0 when there is none.
    pub message_id: i64,
    /// "ru" or "en".
    pub locale: String,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Waits for its first attempt, or for the next.
    Queued,
    /// The intent to POST is stored, the answer is not: whoever finds a job so can't know whether the provider has it.
    Submitting,
    /// The provider has it.
    Submitted {
        /// How to ask for it.
        request: FalRequest,
    },
    /// The pictures are stored and on their way.
    Delivering {
        /// Since when.
        since: Time,
    },
    /// The user blocked the bot; tried again slowly, and when they come back.
    Waiting {
        /// Since when the pictures are there.
        since: Time,
    },
    /// Delivered; billing does not know yet.
    Completing,
    /// Failed; billing does not know yet.
    Refunding {
        /// Why.
        reason: FailReason,
    },
    /// Refunded; the user does not know yet.
    Telling {
        /// Why it failed.
        reason: FailReason,
        /// Since when it is refunded.
        since: Time,
    },
    /// Delivered and completed.
    Succeeded,
    /// Refunded, or never charged.
    Failed {
        /// Why.
        reason: FailReason,
    },
}

impl Phase {
    /// For logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Submitting => "submitting",
            Self::Submitted { .. } => "submitted",
            Self::Delivering { .. } => "delivering",
            Self::Waiting { .. } => "waiting",
            Self::Completing => "completing",
            Self::Refunding { .. } => "refunding",
            Self::Telling { .. } => "telling",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
        }
    }
}

/// One request that the provider accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FalRequest {
    /// The provider's id.
    pub request_id: String,
    /// Where to ask how it goes.
    pub status_url: String,
    /// Where to fetch what came out.
    pub response_url: String,
    /// Where to call it off.
    pub cancel_url: String,
}

/// One time that the provider was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the intent was stored.
    pub at: Time,
    /// The provider's id, once it answered with one.
    pub request_id: Option<String>,
    /// What became of it, for people: "stored", "lost" or the class of the error. Never the provider's own words,
    /// they echo the prompt.
    pub end: Option<String>,
}

/// One picture that came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Of the bytes as they are, whatever the provider called them.
    pub mime_type: String,
    /// In bytes.
    pub size: u64,
}

/// Why a job ended without a picture in the user's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailReason {
    /// The provider refused what was asked, or what came out.
    ContentRejected,
    /// The prompt or a picture could not be used.
    BadInput,
    /// The provider failed, and so did every further try.
    JobFailed,
    /// It took longer than a job may.
    TimedOut,
    /// Called off before it started.
    Canceled,
    /// The user could not be reached for as long as we keep a picture.
    Undeliverable,
}

impl FailReason {
    /// For logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::ContentRejected => "content_rejected",
            Self::BadInput => "bad_input",
            Self::JobFailed => "job_failed",
            Self::TimedOut => "timed_out",
            Self::Canceled => "canceled",
            Self::Undeliverable => "undeliverable",
        }
    }
}
