//! The ways in which a payment provider's API can fail, and the plan of when it does.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::server;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// 500; nothing is done.
    ServerError,
    /// Everything is done, then the answer is 500.
    ServerErrorAfter,
    /// 429; nothing is done.
    TooManyRequests,
    /// 401, as for a key that was revoked; nothing is done.
    Unauthorized,
    /// Never answers; nothing is done.
    Hang,
    /// The connection is closed; nothing is done.
    DropBefore,
    /// Everything is done, then the connection is closed without an answer.
    DropAfter,
    /// Everything is done, then the answer is 200 with a page of HTML.
    Garbage,
}

/// When a failure is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

impl Failure {
    pub(crate) fn when(self) -> When {
        match self {
            Self::ServerError
            | Self::TooManyRequests
            | Self::Unauthorized
            | Self::Hang
            | Self::DropBefore => When::Before,
            Self::ServerErrorAfter | Self::DropAfter | Self::Garbage => When::After,
        }
    }

    /// The status that the caller gets; 0 for no answer.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::ServerError | Self::ServerErrorAfter => 500,
            Self::TooManyRequests => 429,
            Self::Unauthorized => 401,
            Self::Garbage => 200,
            Self::Hang | Self::DropBefore | Self::DropAfter => 0,
        }
    }

    /// Fails as told; `refusal` makes the provider's own body for a status.
    pub(crate) async fn answer(self, refusal: impl FnOnce(StatusCode) -> Response) -> Response {
        match self {
            Self::ServerError | Self::ServerErrorAfter => {
                refusal(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::TooManyRequests => refusal(StatusCode::TOO_MANY_REQUESTS),
            Self::Unauthorized => refusal(StatusCode::UNAUTHORIZED),
            Self::Garbage => {
                let page =
                    "<!DOCTYPE html><html><body>Service is temporarily unavailable</body></html>";
                ([(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
            Self::Hang => {
                server::hang().await;
                server::drop_connection()
            }
            Self::DropBefore | Self::DropAfter => server::drop_connection(),
        }
    }
}

#[derive(Debug)]
struct Plan<C> {
    /// `None` is any call.
    call: Option<C>,
    failure: Failure,
    left: u32,
}

/// What is planned for the calls to come.
#[derive(Debug)]
pub(crate) struct Faults<C>(Vec<Plan<C>>);

impl<C> Default for Faults<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C: Copy + PartialEq> Faults<C> {
    /// The next `times` calls meet `failure`; replaces what was planned for the same calls. `u32::MAX` is forever.
    pub(crate) fn plan(&mut self, call: Option<C>, failure: Failure, times: u32) {
        self.0.retain(|plan| plan.call != call);
        if times > 0 {
            self.0.push(Plan { call, failure, left: times });
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is planned for calls of any kind.
    pub(crate) fn general(&self) -> Option<Failure> {
        self.0.iter().find(|plan| plan.call.is_none()).map(|plan| plan.failure)
    }

    /// The failure that this call meets.
    pub(crate) fn meet(&mut self, call: C) -> Option<Failure> {
        let fits = |plan: &Plan<C>| plan.call.is_none_or(|planned| planned == call);
        let index = self.0.iter().position(fits)?;
        let plan = self.0.get_mut(index)?;
        let failure = plan.failure;
        if plan.left != u32::MAX {
            plan.left -= 1;
        }
        if plan.left == 0 {
            self.0.remove(index);
        }
        Some(failure)
    }
}
