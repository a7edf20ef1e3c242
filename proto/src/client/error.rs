//! What a failed call says, apart from tonic.

use std::{collections::HashMap, error::Error, fmt, io, time::Duration};

use tokio_rustls::rustls::{self, CertificateError};
use tonic::{Code, ConnectError, Status, TimeoutExpired};
use tonic_types::StatusExt;

/// A call that failed, after all its tries.
#[derive(Debug, Clone)]
pub struct CallError {
    /// The status code. A broken connection is `Unavailable`, a passed deadline `DeadlineExceeded`, whichever side saw it.
    pub code: Code,
    /// `ErrorInfo.reason`, or empty: the server did not answer, or is none of ours.
    pub reason: String,
    /// `ErrorInfo.metadata`.
    pub metadata: HashMap<String, String>,
    /// For people.
    pub message: String,
    /// How long the server asked to wait.
    pub retry_after: Option<Duration>,
    fault: Fault,
}

/// Where it failed: what that says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The server answered: it lives, whatever it said.
    Answered,
    /// On the way, or the server did not answer in time. It may have done what it was asked.
    OnTheWay,
    /// There was no connection: nothing was sent.
    NeverConnected,
}

impl CallError {
    /// May the very same request succeed later? The clients have done so for a while already: what is left to the caller is to
    /// try much later, or to give up.
    pub fn is_retryable(&self) -> bool {
        match self.code {
            Code::Unavailable | Code::DeadlineExceeded => true,
            // With `limit` it is a rule of the domain, which a pause of seconds doesn't change; but where it is this program
            // that calls too often, no user is to blame, and the same call may pass a second later.
            Code::ResourceExhausted => {
                self.metadata.get("limit").is_none_or(|limit| limit == "caller_rate")
            }
            _ => false,
        }
    }

    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: String::new(),
            metadata: HashMap::new(),
            message: message.into(),
            retry_after: None,
            fault: Fault::Answered,
        }
    }

    /// No address is known.
    pub(super) fn no_address(why: String) -> Self {
        Self { fault: Fault::NeverConnected, ..Self::new(Code::Unavailable, why) }
    }

    /// The time of an attempt was over.
    pub(super) fn no_answer(deadline: Duration) -> Self {
        let message = format!("no answer within {deadline:?}");
        Self { fault: Fault::OnTheWay, ..Self::new(Code::DeadlineExceeded, message) }
    }

    /// The failure says something of the address, not of the request.
    pub(super) fn is_of_the_address(&self) -> bool {
        self.fault != Fault::Answered
    }

    /// Nothing was sent.
    pub(super) fn never_connected(&self) -> bool {
        self.fault == Fault::NeverConnected
    }

    /// Says where it was.
    pub(super) fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, " {}", self.reason)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Error for CallError {}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        let fault = fault_of(&status, info.is_some());
        let message = match status.source() {
            // Made here: what tonic says of it ("transport error") helps nobody.
            Some(source) => words(source),
            None => status.message().to_owned(),
        };
        Self {
            code: code_of(&status, info.is_some()),
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            metadata: info.map(|info| info.metadata.clone()).unwrap_or_default(),
            message,
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
            fault,
        }
    }
}

/// The peer died within an answer: a reset stream reaches us as tonic's own words, with no source.
fn is_reset(status: &Status) -> bool {
    status.message().starts_with("h2 protocol error")
}

/// tonic reports what happened on the connection in several codes; a caller needs two.
fn code_of(status: &Status, from_our_server: bool) -> Code {
    let made_here = status.source();
    match status.code() {
        code if from_our_server => code,
        // How tonic says, on both sides, that the time of `grpc-timeout` was over.
        Code::Cancelled if made_here.is_none_or(is_timeout) => Code::DeadlineExceeded,
        // Made here, not by the server: the connection broke.
        _ if made_here.is_some() => Code::Unavailable,
        Code::Unknown | Code::Internal if is_reset(status) => Code::Unavailable,
        code => code,
    }
}

fn fault_of(status: &Status, from_our_server: bool) -> Fault {
    match status.source() {
        Some(source) if chain(source).any(|error| error.is::<ConnectError>()) => {
            Fault::NeverConnected
        }
        Some(_) => Fault::OnTheWay,
        // A proxy's word, or a server of ours that is not itself any more: ours name their reason.
        None if status.code() == Code::Unavailable && !from_our_server => Fault::OnTheWay,
        None if is_reset(status) => Fault::OnTheWay,
        None => Fault::Answered,
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|error| error.is::<TimeoutExpired>())
}

/// An error and what it comes from, each thing said once, and what to do about a certificate.
pub(super) fn words(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    for error in chain(error).filter(|error| !error.is::<tonic::transport::Error>()) {
        let one = error.to_string();
        if !words.iter().any(|said| said.contains(&one)) {
            words.push(one);
        }
    }
    if words.is_empty() {
        words.push(error.to_string());
    }
    words.extend(chain(error).find_map(advice).map(str::to_owned));
    words.join(": ")
}

/// What to look at when a certificate was refused: rustls's own words help who knows them.
fn advice(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let inner = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
    let refused = match inner {
        Some(inner) => inner.downcast_ref::<rustls::Error>(),
        None => error.downcast_ref::<rustls::Error>(),
    };
    match refused {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => Some("the server's certificate is not signed by the CA that this client was given"),
        Some(_) => None,
        // Told after the handshake: it comes by way of h2, which keeps the words alone.
        None => error
            .to_string()
            .contains("received fatal alert")
            .then_some("the server refuses this client's certificate (its log says why)"),
    }
}
