//! What a payment provider is to us: one small trait, implemented once for each of them.
//!
//! An adapter asks and translates. It decides nothing, writes nothing and remembers nothing: what it reads becomes a
//! [`Report`], and the ledger does the rest.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;

use crate::ledger::{
    Amount, Payment, PaymentId, PaymentRefund, Provider, ProviderAmount, Report, ReportedRefund,
    Timestamp, UserId,
};

/// One provider of payments. Every call is made once, is bounded in time, and may be repeated with the same arguments.
#[async_trait]
pub trait PaymentProvider: fmt::Debug + Send + Sync {
    /// Which one it is.
    fn id(&self) -> Provider;

    /// What it offers.
    fn method(&self) -> Method;

    /// What it takes for this much.
    ///
    /// # Errors
    /// It does not sell this much; the text says what it takes.
    fn price_of(&self, amount: Amount) -> Result<ProviderAmount, Cow<'static, str>>;

    /// Can a part of a payment be given back?
    fn takes_parts(&self) -> bool;

    /// Does every payment need an e-mail address for its receipt?
    fn needs_receipt_email(&self) -> bool;

    /// May a notification come from there? A second fence only: what it says is not believed anyway.
    fn admits(&self, source: Option<IpAddr>) -> bool;

    /// Which payment a notification is about: all that is believed of it, and only as something to ask about.
    ///
    /// # Errors
    /// It is about no payment, or no notification at all.
    fn subject(&self, body: &[u8]) -> Result<Subject, NotANotification>;

    /// Makes the payment known, once for each `payment_id`, however often it is called.
    async fn open(&self, payment: &Payment, now: Timestamp) -> Result<Opened, ProviderError>;

    /// Asks how a payment stands.
    async fn read(&self, provider_payment_id: &str) -> Result<Reading, ProviderError>;

    /// Gives money back, once for each `refund_id`, however often it is called; or asks how that goes.
    async fn refund(
        &self,
        payment: &Payment,
        refund: &PaymentRefund,
        now: Timestamp,
    ) -> Result<RefundReply, ProviderError>;

    /// The next page of what was paid and given back, from a cursor on that an earlier page ended with. Without a cursor:
    /// from as long ago as a lost notification could matter. A page may repeat what an earlier one has told.
    async fn feed(&self, cursor: Option<&str>) -> Result<FeedPage, ProviderError>;

    /// Where the feed begins that has everything paid from `since` on; more is no harm.
    fn feed_since(&self, since: Timestamp) -> Option<String>;
}

/// A way to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// With whom.
    pub provider: Provider,
    /// What to offer, from small to large.
    pub packs: Vec<Pack>,
    /// Of an amount of the user's own choice. `None`: packs only.
    pub limits: Option<Limits>,
}

/// A top-up at a fixed price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// What is credited.
    pub amount: Amount,
    /// What is paid.
    pub price: ProviderAmount,
}

/// From where to where an amount may be chosen freely, in whole kopecks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The least.
    pub min: Amount,
    /// The most.
    pub max: Amount,
}

/// What a notification is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A payment, by the provider's name for it.
    Payment(String),
    /// Something that has no payment of ours.
    Other,
}

/// What came is no notification of this provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a notification of this provider")]
pub struct NotANotification;

/// A payment that the provider knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// Its name for it, where it has one before it is paid.
    pub provider_payment_id: Option<String>,
    /// Where the user pays.
    pub confirmation_url: Option<String>,
}

/// How a payment stands at the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// This is what it says.
    Found(Box<Found>),
    /// It has no such payment of ours.
    Unknown,
    /// It can't be asked about one payment: its feed tells.
    InFeed,
}

/// What a provider says of one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which of ours it is, by what the provider carries for us.
    pub payment_id: Option<PaymentId>,
    /// Who paid, where the provider knows our users.
    pub payer: Option<UserId>,
    /// How it stands.
    pub report: Report,
}

/// What became of asking for a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundReply {
    /// The payer has the money.
    Succeeded {
        /// The provider's name for the refund.
        provider_refund_id: String,
    },
    /// It is under way.
    Accepted {
        /// The provider's name for the refund.
        provider_refund_id: String,
    },
    /// It will not happen.
    Refused {
        /// In the provider's words, for people.
        why: String,
    },
}

/// A page of a provider's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// In the provider's order.
    pub items: Vec<Listed>,
    /// Where the next page begins.
    pub cursor: String,
    /// Is there more now?
    pub more: bool,
}

/// One line of a provider's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The provider's name for the payment.
    pub provider_payment_id: String,
    /// Which of ours it is, where the line says so.
    pub payment_id: Option<PaymentId>,
    /// What was paid, where the line says so.
    pub paid: Option<ProviderAmount>,
    /// What was given back, where the line says so: all of it so far.
    pub refunded: Option<ProviderAmount>,
    /// The refund that the line is about.
    pub refund: Option<ReportedRefund>,
    /// All that a question about the payment would tell, where the line does.
    pub found: Option<Found>,
}

/// A call to a provider that brought no answer to its question. Holds nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// A lost connection, a time-out, 429, 5xx, or an answer that makes no sense: whether something was done can't be
    /// known. The same call again learns it.
    #[error("the provider does not answer")]
    Unavailable {
        /// Not before.
        retry_after: Option<Duration>,
    },
    /// Nothing was done, and the same call would be refused again.
    #[error("the provider refuses: {why}")]
    Refused {
        /// In the provider's words, cut short; for people.
        why: String,
    },
    /// The provider does not take our credentials: an operator must act. Nothing was done.
    #[error("the provider does not take our credentials")]
    Misconfigured,
}

impl ProviderError {
    /// Unavailable, with no word on when to come back.
    pub const UNAVAILABLE: Self = Self::Unavailable { retry_after: None };
}
