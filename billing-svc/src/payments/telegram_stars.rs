//! Telegram Stars: the bot sends an invoice, Telegram takes the Stars, and its list of the bot's transactions says so.
//!
//! There is no call that tells about one payment: the list is read on from where it was left. It is in the order of time,
//! oldest first; a refund is another transaction of the same id, with a receiver. One invoice can be paid more than once:
//! each time is a transaction of its own. <https://core.telegram.org/bots/api#payments>

use std::borrow::Cow;
use std::net::IpAddr;

use async_trait::async_trait;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::catalogue::{Catalogue, STARS};
use super::http::{Answer, Http, NoClient, words};
use super::provider::{
    FeedPage, Found, Listed, Method, NotANotification, Opened, PaymentProvider, ProviderError,
    Reading, RefundReply, Subject,
};
use crate::ledger::{
    Amount, Payment, PaymentId, PaymentRefund, Provider, ProviderAmount, ProviderStatus, Report,
    ReportedRefund, ReportedRefundState, Timestamp, UserId,
};

/// Before the ids of users who come from Telegram.
const USER: &str = "tg:";
/// The most that the list answers at once.
const PAGE: u64 = 100;
/// So many transactions are read again each time: of those at the end, one may have taken its place late.
const OVERLAP: u64 = 20;
/// Billionths of a Star in a micro of one.
const NANOS_PER_MICRO: i64 = 1_000;

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

    fn subject(&self, _body: &[u8]) -> Result<Subject, NotANotification> {
        Err(NotANotification)
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
struct Envelope<T> {
    ok: bool,
    result: Option<T>,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Transactions {
    transactions: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    id: String,
    amount: i64,
    #[serde(default)]
    nanostar_amount: i64,
    source: Option<Partner>,
    receiver: Option<Partner>,
}

#[derive(Deserialize)]
struct Partner {
    r#type: String,
    /// Absent before Bot API 8.3.
    transaction_type: Option<String>,
    user: Option<User>,
    invoice_payload: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: i64,
}

impl Partner {
    /// A user's payment of an invoice, or its refund; not a gift, a withdrawal, a subscription of another kind.
    fn is_invoice(&self) -> bool {
        let kind = self.transaction_type.as_deref();
        self.r#type == "user" && kind.is_none_or(|kind| kind == "invoice_payment")
    }

    fn payment_id(&self) -> Option<PaymentId> {
        Uuid::try_parse(self.invoice_payload.as_deref()?).ok().map(PaymentId)
    }

    fn payer(&self) -> Option<UserId> {
        UserId::parse(format!("{USER}{}", self.user.as_ref()?.id)).ok()
    }
}

impl Transaction {
    /// `None`: no payment of an invoice.
    fn listed(self) -> Option<Listed> {
        let micros = self.amount.checked_mul(1_000_000)?;
        let amount = Amount::from_micros(micros + self.nanostar_amount / NANOS_PER_MICRO);
        let received = ProviderAmount { amount, currency: STARS.to_owned() };
        let refund = ReportedRefund {
            // A refund has no id of its own, and there is one at most.
            provider_refund_id: self.id.clone(),
            amount: received.clone(),
            dispute: false,
            state: ReportedRefundState::Succeeded,
        };
        let (partner, refund) = match (self.source, self.receiver) {
            (Some(source), None) if source.invoice_payload.is_some() => (source, None),
            (None, Some(receiver)) => (receiver, Some(refund)),
            _ => return None,
        };
        if !partner.is_invoice() {
            return None;
        }
        let report = Report {
            provider_payment_id: self.id.clone(),
            status: ProviderStatus::Paid,
            // A payment in Stars is given back whole or not at all.
            received: received.clone(),
            method: None,
            refunds: refund.iter().cloned().collect(),
        };
        Some(Listed {
            provider_payment_id: self.id,
            payment_id: partner.payment_id(),
            paid: refund.is_none().then(|| received.clone()),
            refunded: refund.is_some().then_some(received),
            found: Some(Found { payment_id: partner.payment_id(), payer: partner.payer(), report }),
            refund,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(transaction: serde_json::Value) -> Option<Listed> {
        serde_json::from_value::<Transaction>(transaction).unwrap().listed()
    }

    #[test]
    fn only_payments_of_invoices_and_their_refunds_count() {
        let payload = Uuid::now_v7().to_string();
        let user = json!({"type": "user", "transaction_type": "invoice_payment", "user": {"id": 7}, "invoice_payload": payload});
        let paid = listed(json!({"id": "a", "amount": 75, "date": 1, "source": user})).unwrap();
        assert_eq!(paid.paid.unwrap().amount, Amount::units(75));
        assert_eq!(paid.refunded, None);
        let found = paid.found.unwrap();
        assert_eq!(found.payer.unwrap().as_str(), "tg:7");
        assert_eq!(found.payment_id.unwrap().to_string(), payload);

        let back = listed(json!({"id": "a", "amount": 75, "date": 2, "receiver": user})).unwrap();
        assert_eq!((back.paid.is_none(), back.refund.is_some()), (true, true));

        for other in [
            json!({"id": "b", "amount": 1, "date": 1, "source": {"type": "fragment"}}),
            json!({"id": "c", "amount": 1, "date": 1, "receiver": {"type": "fragment"}}),
            json!({"id": "d", "amount": 1, "date": 1, "source": {"type": "user", "transaction_type": "paid_media_payment", "user": {"id": 7}}}),
            json!({"id": "e", "amount": 1, "date": 1, "receiver": {"type": "user", "transaction_type": "gift_purchase", "user": {"id": 7}}}),
        ] {
            assert_eq!(listed(other.clone()), None, "{other}");
        }
    }

    #[test]
    fn parts_of_a_star_are_not_lost() {
        let user = json!({"type": "user", "user": {"id": 7}, "invoice_payload": "x"});
        let transaction = json!({"id": "a", "amount": 1, "nanostar_amount": 500_000_000, "date": 1, "source": user});
        assert_eq!(listed(transaction).unwrap().paid.unwrap().amount.micros(), 1_500_000);
    }
}
