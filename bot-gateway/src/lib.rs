//! bot-gateway: the Telegram side of Kopilka.
//!
//! An update is durable in the [`inbox`] before Telegram is told that it was taken, and is handled once by the
//! conversation ([`bot`]); the ends of jobs come back over gRPC and reach the user through [`delivery`].
//! What providers say about money goes through [`payments`] to billing-svc, and what billing-svc says happened reaches the
//! user through [`notices`]. Each of these has a durable queue, worked off by a [`lane`]. Dialogues, settings and paid
//! requests live in the [`store`]; everything sent goes through [`telegram`].

pub mod bot;
pub mod config;
pub mod delivery;
pub mod inbox;
pub mod lane;
pub mod metrics;
pub mod notices;
pub mod payments;
pub mod server;
pub mod store;
pub mod telegram;

use std::time::Duration;

/// What every handler works with. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// The Telegram API. Its `Debug` shows the token: never print it.
    pub bot: teloxide::Bot,
    /// The bot's own Telegram id, the part of its token before the colon.
    pub bot_id: u64,
    /// Charges, refunds, balances.
    pub billing: proto::client::BillingClient,
    /// Top-ups.
    pub payments: proto::client::PaymentClient,
    /// Promo codes and invitations.
    pub promotions: proto::client::PromotionClient,
    /// Jobs and pictures.
    pub images: proto::client::ImagesClient,
    /// This service's own database.
    pub store: store::Store,
    /// Photos that users sent.
    pub files: telegram::Files,
    /// The durable queue of updates and delayed items.
    pub inbox: inbox::Inbox,
    /// What handlers need to know.
    pub settings: Settings,
}

/// What handlers need to know; made from [`config::Config`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long to wait for the next photo of an album, which has no end mark.
    pub album_wait: Duration,
    /// How people reach the support, as it is shown to them, e.g. an @name.
    pub support_contact: Option<String>,
    /// Where the terms of use are.
    pub terms_url: Option<url::Url>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { album_wait: Duration::from_millis(1500), support_contact: None, terms_url: None }
    }
}
