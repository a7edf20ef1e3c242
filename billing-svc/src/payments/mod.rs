//! Money in: providers are asked, and what they say becomes commands of the ledger.
//!
//! Nothing that a notification, a bot or a caller says is ever credited. Whatever hints that a payment has changed
//! (a notification, the janitor's schedule, a user who presses a button, a provider's list) leads to the same few steps of
//! `follow`: ask the provider → `ObservePayment` → `CreditPayment`. Each step is idempotent, so all of them may
//! happen at once, twice, and on several instances.
//!
//! A notification is a row of a queue before its sender is answered. What is due is in the database, not in memory:
//! checks, refunds to carry out, paid payments that have no credit yet. So a killed process loses nothing.
//!
//! An adapter ([`provider::PaymentProvider`]) is one file for each provider. It never writes; only the committer does.

mod amounts;
pub mod catalogue;
mod chores;
mod create;
mod error;
mod feed;
mod follow;
mod http;
mod inbox;
mod janitor;
mod limits;
mod notify;
pub mod provider;
mod refresh;
mod refunds;
pub mod sandbox;
mod stars;
pub mod telegram_stars;
pub mod yookassa;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use service_kit::queue::Queue;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use crate::committer::Committer;
use crate::ledger::{Payment, PaymentRefund, Provider, RefundId, RepeatRule, Timestamp};
use crate::store::Store;

pub use create::NewTopUp;
pub use error::PaymentError;
pub use http::NoClient;
pub use limits::Limited;
pub use notify::Notification;
pub use provider::{Method, Pack, PaymentProvider};
pub use refunds::{RefundRequest, Refunding};
pub use stars::{PreCheckout, PreCheckoutRefusal, TelegramPayment};

/// Everything about money in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Payments(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    committer: Committer,
    providers: BTreeMap<Provider, Arc<dyn PaymentProvider>>,
    settings: Settings,
    limits: limits::Limits,
    inbox: inbox::Inbox,
    feeds: feed::Feeds,
    /// Refunds that this instance is asking a provider for right now.
    refunding: refunds::UnderWay,
    strangers: follow::Strangers,
    /// Something happened that others may be told about.
    events: Notify,
}

/// What a deployment decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// After how long a payment that is not final is asked about, each from the one before; then it is given up.
    pub checks: Vec<Duration>,
    /// What happens to the second payment of one invoice of Telegram Stars.
    pub repeated_invoice: RepeatRule,
    /// How many notifications may wait; the next one is refused as overloaded, and its sender comes again.
    pub max_waiting: u64,
    /// How often the background tasks look for what is due.
    pub pace: Pace,
}

/// How often the background tasks look for what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Rows of the inbox, when nobody says that there is a new one.
    pub inbox: Duration,
    /// Checks, refunds, credits and rewards.
    pub due: Duration,
    /// The providers' own lists.
    pub feed: Duration,
    /// Events that have no position yet.
    pub events: Duration,
    /// The first pause after a provider did not answer; it doubles with each time.
    pub retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            inbox: Duration::from_millis(500),
            due: Duration::from_secs(5),
            feed: Duration::from_secs(60),
            events: Duration::from_millis(250),
            retry: Duration::from_secs(5),
        }
    }
}

/// A payment as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopUp {
    /// The payment.
    pub payment: Payment,
    /// All its refunds and disputes, oldest first.
    pub refunds: Vec<PaymentRefund>,
    /// It was so before this request.
    pub replayed: bool,
}

impl Payments {
    /// With these providers; without any, every call is refused as not configured.
    pub fn new(
        store: Store,
        committer: Committer,
        providers: Vec<Arc<dyn PaymentProvider>>,
        settings: Settings,
    ) -> Self {
        let instance = Uuid::new_v4();
        let queue: Queue = store.notifications(format!("billing-{instance}"));
        let providers: BTreeMap<_, _> =
            providers.into_iter().map(|provider| (provider.id(), provider)).collect();
        Self(Arc::new(Inner {
            inbox: inbox::Inbox::new(queue, instance),
            feeds: feed::Feeds::new(providers.keys().copied()),
            store,
            committer,
            providers,
            settings,
            limits: limits::Limits::new(),
            refunding: refunds::UnderWay::default(),
            strangers: follow::Strangers::default(),
            events: Notify::new(),
        }))
    }

    /// The ways to pay.
    pub fn methods(&self) -> Vec<Method> {
        self.0.providers.values().map(|provider| provider.method()).collect()
    }

    fn provider(&self, id: Provider) -> Result<&Arc<dyn PaymentProvider>, PaymentError> {
        self.0.providers.get(&id).ok_or(PaymentError::NotConfigured)
    }

    /// Runs what must go on when its caller leaves: a caller's future is dropped with its connection.
    async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, PaymentError>> + Send + 'static,
    ) -> Result<T, PaymentError> {
        match tokio::spawn(work.in_current_span()).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%error, "a call about payments failed by a defect");
                Err(PaymentError::Defect("a call about payments panicked"))
            }
        }
    }

    async fn as_it_stands(&self, payment: Payment, replayed: bool) -> Result<TopUp, PaymentError> {
        let refunds = self.0.store.refunds_of(&payment.user_id, payment.payment_id).await?;
        Ok(TopUp { payment, refunds, replayed })
    }
}

/// Runs the background tasks until `shutdown`: notifications, checks, refunds, the providers' lists, and what follows from
/// them. What is in hand is brought to an end, within the bounds of a call to a provider.
pub async fn run(payments: Payments, shutdown: CancellationToken) {
    tokio::join!(
        inbox::run(&payments, &shutdown),
        janitor::run(&payments, &shutdown),
        refunds::run(&payments, &shutdown),
        feed::run(&payments, &shutdown),
        chores::run(&payments, &shutdown),
    );
}

fn now() -> Timestamp {
    Timestamp::from_micros(service_kit::time::to_micros(SystemTime::now()))
}

fn new_refund_id() -> RefundId {
    RefundId(Uuid::now_v7())
}

/// The pause after the `failures`-th failure in a row, from 1: `first`, twice that, and so on up to `longest`.
fn pause(first: Duration, failures: u32, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(longest)
}
