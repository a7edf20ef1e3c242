//! A call's attempts: where each goes, how long it may take, and which failure another one may mend.

use std::{
    fmt,
    future::Future,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};
use tonic::{Request, Response, Status};

pub(super) use super::pool::{Authorized, Tried};
use super::{CallError, ClientConfig, MAX_TRIES, RETRY_WINDOW, pool::Pool};

// With their growth the tries outlast a restart of the server: 4 to 8 seconds, by chance.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const GROWTH: f32 = 3.0;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a client could not be made. Shows no secret.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A URL is none.
    #[error("not a URL of a gRPC service (http://host:port): {0}")]
    BadUrl(String),
    /// The token can't be sent in a header.
    #[error("the token holds characters that no header may carry")]
    BadToken,
    /// Nothing says whom to trust.
    #[error("an https:// URL needs the certificates of the CA that servers are checked against")]
    NoCa,
    /// A file with a token or with certificates can't be used.
    #[error("{path}: {why}")]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// What the files hold does not go with TLS or with the URL.
    #[error("TLS can't be used: {0}")]
    BadTls(String),
}

/// The connections to one service, for several clients of it: one to each address, names looked up and files read again once
/// for all. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    pool: Arc<Pool>,
    deadline: Duration,
}

impl Connection {
    /// Connects at the first call.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        Ok(Self { pool: Arc::new(Pool::new(config)?), deadline: config.deadline })
    }

    /// The same connections, with another deadline for each attempt.
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { pool: self.pool.clone(), deadline }
    }

    /// Sends `message` with `send`, again and again while that may help.
    pub(super) async fn call<M, R, F>(
        &self,
        message: M,
        send: impl Fn(Authorized, Request<M>) -> F,
    ) -> Result<R, CallError>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let tried = Tried::default();
        let attempt = || {
            self.attempt(&tried, self.deadline, |channel| async {
                let mut request = Request::new(message.clone());
                request.set_timeout(self.deadline);
                Ok(send(channel, request).await?.into_inner())
            })
        };
        repeat(attempt, CallError::is_retryable).await
    }

    /// Begins a stream of answers, again and again while that may help. The server is told of no deadline: it would end
    /// the stream with it.
    pub(super) async fn open<M, R, F>(
        &self,
        message: M,
        send: impl Fn(Authorized, Request<M>) -> F,
    ) -> Result<R, CallError>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let tried = Tried::default();
        let attempt = || {
            self.attempt(&tried, self.deadline, |channel| async {
                Ok(send(channel, Request::new(message.clone())).await?.into_inner())
            })
        };
        repeat(attempt, CallError::is_retryable).await
    }

    /// One attempt of a call that was at `tried` before, within `deadline`, whatever the connection does.
    pub(super) async fn attempt<R, F>(
        &self,
        tried: &Tried,
        deadline: Duration,
        send: impl FnOnce(Authorized) -> F,
    ) -> Result<R, CallError>
    where
        F: Future<Output = Result<R, CallError>>,
    {
        let mut turn = None;
        let result = within(deadline, async {
            let picked = self.pool.pick(tried).await?;
            turn = Some(picked.turn);
            send(picked.channel).await
        })
        .await;
        match turn {
            Some(turn) => self.pool.judge(turn, result),
            None => result,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Ends `attempt` when its time is over, whatever the connection does.
pub(super) async fn within<R>(
    deadline: Duration,
    attempt: impl Future<Output = Result<R, CallError>>,
) -> Result<R, CallError> {
    match tokio::time::timeout(deadline, attempt).await {
        Ok(answer) => answer,
        Err(_) => Err(CallError::no_answer(deadline)),
    }
}

/// Repeats `attempt` while `helps` says that another try may end differently.
pub(super) async fn repeat<R, F>(
    attempt: impl FnMut() -> F,
    helps: impl Fn(&CallError) -> bool,
) -> Result<R, CallError>
where
    F: Future<Output = Result<R, CallError>>,
{
    let started = Instant::now();
    let pauses = ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_factor(GROWTH)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(MAX_TRIES - 1)
        .with_jitter();
    attempt
        .retry(pauses)
        .when(|error| helps(error) && started.elapsed() < RETRY_WINDOW)
        .adjust(|error: &CallError, pause: Option<Duration>| {
            // As long as the server asked for, unless that is beyond our window: then there is no further try.
            let wait = pause?.max(error.retry_after.unwrap_or_default());
            (started.elapsed() + wait < RETRY_WINDOW).then_some(wait)
        })
        .notify(|error, pause| tracing::debug!(%error, ?pause, "call failed, trying again"))
        .await
}
