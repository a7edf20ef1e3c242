//! A channel with its token, and the loop that repeats a call.

use std::{
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};
use secrecy::{ExposeSecret, SecretString};
use tonic::{
    Code, Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use super::{CallError, ClientConfig, MAX_TRIES, RETRY_WINDOW};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL is none.
    #[error("not a URL of a gRPC service (http://host:port): {0}")]
    BadUrl(#[from] tonic::transport::Error),
    /// The token can't be sent in a header.
    #[error("the token holds characters that no header may carry")]
    BadToken,
}

/// What the generated clients send through.
pub(super) type Authorized = InterceptedService<Channel, Bearer>;

/// One service's channel, shared by all clones.
#[derive(Clone)]
pub(super) struct Connection {
    channel: Authorized,
    deadline: Duration,
}

impl Connection {
    pub(super) fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        let channel = Endpoint::from_shared(config.url.clone())?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true)
            .connect_lazy();
        let bearer = Bearer::new(config.token.as_ref())?;
        Ok(Self { channel: InterceptedService::new(channel, bearer), deadline: config.deadline })
    }

    /// For a generated client.
    pub(super) fn channel(&self) -> Authorized {
        self.channel.clone()
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
        let attempt = || async {
            let mut request = Request::new(message.clone());
            request.set_timeout(self.deadline);
            let answer = within(self.deadline, async {
                Ok(send(self.channel(), request).await?.into_inner())
            });
            answer.await
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
        let attempt = || {
            within(self.deadline, async {
                Ok(send(self.channel(), Request::new(message.clone())).await?.into_inner())
            })
        };
        repeat(attempt, CallError::is_retryable).await
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
        Err(_) => Err(CallError::new(Code::DeadlineExceeded, "no answer in time")),
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

/// Adds the token to each request.
#[derive(Clone)]
pub(super) struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    fn new(token: Option<&SecretString>) -> Result<Self, ClientError> {
        let Some(token) = token else {
            return Ok(Self(None));
        };
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.expose_secret())
            .parse()
            .map_err(|_| ClientError::BadToken)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}
