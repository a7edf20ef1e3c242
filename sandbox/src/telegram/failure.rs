//! The ways in which a call of the bot can fail.

use serde::{Deserialize, Serialize};

use super::chat::State;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Failure {
    /// 429 with `retry_after`; nothing is done.
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// 500 in Telegram's JSON; nothing is done.
    ServerError,
    /// 502 with a page of HTML, as its front ends answer; nothing is done.
    BadGateway,
    /// Never answers; nothing is done.
    Hang,
    /// The connection is closed; nothing is done.
    DropBefore,
    /// Everything is done, then the connection is closed without an answer.
    DropAfter,
}

#[derive(Debug)]
pub(super) struct Plan {
    /// In lower case; `None` is any but getUpdates.
    method: Option<String>,
    failure: Failure,
    left: u32,
}

impl State {
    pub(super) fn plan(&mut self, method: Option<String>, failure: Failure, left: u32) {
        self.plans.retain(|plan| plan.method != method);
        if left > 0 {
            self.plans.push(Plan { method, failure, left });
        }
    }

    /// What is planned for calls of any method.
    pub(super) fn planned(&self) -> Option<Failure> {
        let general = |plan: &&Plan| plan.method.is_none();
        self.plans.iter().find(general).map(|plan| plan.failure)
    }

    /// The failure that a call of `method` (in lower case) meets.
    pub(super) fn meet(&mut self, method: &str) -> Option<Failure> {
        let fits = |plan: &Plan| match &plan.method {
            Some(planned) => planned == method,
            None => method != "getupdates",
        };
        let index = self.plans.iter().position(fits)?;
        let plan = self.plans.get_mut(index)?;
        let failure = plan.failure;
        if plan.left != u32::MAX {
            plan.left -= 1;
        }
        if plan.left == 0 {
            self.plans.remove(index);
        }
        Some(failure)
    }
}
