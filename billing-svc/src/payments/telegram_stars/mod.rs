//! Telegram Stars: the bot sends an invoice, Telegram takes the Stars, and its list of the bot's transactions says so.
//!
//! There is no call that tells about one payment: the list is read on from where it was left. It is in the order of time,
//! oldest first; a refund is another transaction of the same id, with a receiver. One invoice can be paid more than once:
//! each time is a transaction of its own. <https://core.telegram.org/bots/api#payments>

mod transactions;

use std::borrow::Cow;
use std::net::IpAddr;

use async_trait::async_trait;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::catalogue::Catalogue;
use super::http::{Answer, Http, NoClient, words};
use super::provider::{
    FeedPage, Method, NotANotification, Opened, PaymentProvider, ProviderError, Reading,
    RefundReply, Subject,
};
use crate::ledger::{Amount, Payment, PaymentRefund, Provider, ProviderAmount, Timestamp};
use transactions::{Transaction, Transactions, USER};

/// The most that the list answers at once.
const PAGE: u64 = 100;
/// Longer than any name of a charge that Telegram has been seen to make, in bytes.
pub(super) const MAX_CHARGE: usize = 512;
/// So many transactions are read again each time: of those at the end, one may have taken its place late.
const OVERLAP: u64 = 20;

/// The adapter.
#[derive(Debug)]
pub struct TelegramStars {
    http: Http,
    api_url: Url,
    token: SecretString,
    catalogue: Catalogue,
}

impl TelegramStars {
    /// For the bot of that token.
    ///
    /// # Errors
    /// The HTTP client can't be set up.
    pub fn new(api_url: Url, token: SecretString, catalogue: Catalogue) -> Result<Self, NoClient> {
        Ok(Self { http: Http::new(Provider::TelegramStars)?, api_url, token, catalogue })
    }

    async fn call(
        &self,
        method: &'static str,
        body: &impl Serialize,
    ) -> Result<Answer, ProviderError> {
        let base = self.api_url.as_str().trim_end_matches('/');
        let url = format!("{base}/bot{}/{method}", self.token.expose_secret());
        let answer = self.http.send(method, self.http.client().post(url).json(body)).await?;
        if answer.status == StatusCode::NOT_FOUND {
            // Of a method that exists: the token is no token.
            tracing::error!(method, "Telegram does not know the bot: check TELEGRAM_BOT_TOKEN");
            return Err(ProviderError::Misconfigured);
        }
        Ok(answer)
    }

    /// The bot's id, which its token begins with and which is no secret.
    fn bot(&self) -> &str {
        let bot = self.token.expose_secret().split_once(':').map(|(bot, _)| bot);
        bot.filter(|bot| bot.bytes().all(|b| b.is_ascii_digit())).unwrap_or_default()
    }

    /// How many transactions were read. Each bot has a list of its own: another's place in it is none in this one.
    fn offset(&self, cursor: &str) -> u64 {
        let own = cursor.split_once(':').filter(|(bot, _)| *bot == self.bot());
        own.and_then(|(_, offset)| offset.parse().ok()).unwrap_or(0)
    }

    fn result<T: DeserializeOwned>(
        &self,
        method: &'static str,
        answer: &Answer,
    ) -> Result<Result<T, String>, ProviderError> {
        let Envelope { ok, result, description } = self.http.parse(method, answer)?;
        match (ok, result) {
            (true, Some(result)) => Ok(Ok(result)),
            (false, _) => Ok(Err(words(&description))),
            (true, None) => Err(self.http.garbage(method, "an answer without a result")),
        }
    }
}

#[async_trait]
impl PaymentProvider for TelegramStars {
    fn id(&self) -> Provider {
        Provider::TelegramStars
    }

    fn method(&self) -> Method {
        Method {
            provider: Provider::TelegramStars,
            packs: self.catalogue.for_stars(),
            limits: None,
        }
    }

    fn price_of(&self, amount: Amount) -> Result<ProviderAmount, Cow<'static, str>> {
        self.catalogue.in_stars(amount)
    }

    fn needs_receipt_email(&self) -> bool {
        false
    }

    fn takes_parts(&self) -> bool {
        false
    }

    /// What Telegram says comes through the bot, as `ConfirmTelegramPayment`.
    fn admits(&self, _source: Option<IpAddr>) -> bool {
        true
    }

    /// Of Stars that went back: `Message.refunded_payment`, as the bot hands it on. The list tells more.
    fn subject(&self, body: &[u8]) -> Result<Subject, NotANotification> {
        let told: RefundedPayment = serde_json::from_slice(body).map_err(|_| NotANotification)?;
        let charge = told.telegram_payment_charge_id;
        let is_id = (1..=MAX_CHARGE).contains(&charge.len()) && !charge.contains(char::is_control);
        if is_id { Ok(Subject::Payment(charge)) } else { Err(NotANotification) }
    }

    /// Telegram learns of an invoice when the bot sends it.
    async fn open(&self, _payment: &Payment, _now: Timestamp) -> Result<Opened, ProviderError> {
        Ok(Opened::default())
    }

    async fn read(&self, _provider_payment_id: &str) -> Result<Reading, ProviderError> {
        Ok(Reading::InFeed)
    }

    async fn refund(
        &self,
        payment: &Payment,
        _refund: &PaymentRefund,
        _now: Timestamp,
    ) -> Result<RefundReply, ProviderError> {
        let user = payment.user_id.as_str().strip_prefix(USER);
        let user = user.and_then(|id| id.parse::<i64>().ok());
        let (Some(user), Some(charge)) = (user, &payment.provider_payment_id) else {
            return Ok(RefundReply::Refused { why: "no charge of a Telegram user".to_owned() });
        };
        let method = "refundStarPayment";
        let body = json!({"user_id": user, "telegram_payment_charge_id": charge});
        let answer = self.call(method, &body).await?;
        let refunded = RefundReply::Succeeded { provider_refund_id: charge.clone() };
        match self.result::<bool>(method, &answer)? {
            Ok(true) => Ok(refunded),
            Ok(false) => Err(self.http.garbage(method, "a refund that is not true")),
            Err(why) if why.contains("CHARGE_ALREADY_REFUNDED") => Ok(refunded),
            Err(why) => Ok(RefundReply::Refused { why }),
        }
    }

    async fn feed(&self, cursor: Option<&str>) -> Result<FeedPage, ProviderError> {
        let offset = cursor.map_or(0, |cursor| self.offset(cursor));
        let from = offset.saturating_sub(OVERLAP);
        let method = "getStarTransactions";
        let answer = self.call(method, &json!({"offset": from, "limit": PAGE})).await?;
        let list: Transactions = self.result(method, &answer)?.map_err(|why| {
            tracing::error!(why, "Telegram does not show the bot's transactions");
            ProviderError::Misconfigured
        })?;
        let count = list.transactions.len() as u64;
        // It only grows: a list that ends before where it was read to is another one, and is read from its start.
        let is_another = count == 0 && from > 0;
        let offset = if is_another { 0 } else { offset.max(from + count) };
        Ok(FeedPage {
            items: list.transactions.into_iter().filter_map(Transaction::listed).collect(),
            cursor: format!("{}:{offset}", self.bot()),
            more: is_another || count >= PAGE,
        })
    }

    /// The list has no times to look for: from its start.
    fn feed_since(&self, _since: Timestamp) -> Option<String> {
        None
    }
}

#[derive(Deserialize)]
struct RefundedPayment {
    telegram_payment_charge_id: String,
}

#[derive(Deserialize)]
struct Envelope<T> {
    ok: bool,
    result: Option<T>,
    #[serde(default)]
    description: String,
}
