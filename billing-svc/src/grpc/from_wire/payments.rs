//! What `PaymentService` is asked, and what administrators ask about payments.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proto::billing::v1;
use proto::google::r#type::Money;
use url::{Host, Url};

use super::{filter, has_nul, positive, uuid};
use crate::grpc::refusal::Refusal;
use crate::ledger::{Amount, PaymentId, PaymentState, Provider, ProviderAmount};

const MAX_URL_CHARS: usize = 2048;
const MAX_EMAIL_CHARS: usize = 254;
const MAX_NOTIFICATION_BYTES: usize = 64 << 10;
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 16 << 10;
/// What Telegram takes with an invoice.
const MAX_PAYLOAD_BYTES: usize = 128;
const MAX_CHARGE_ID_CHARS: usize = 512;
/// So that micros of it fit; Telegram's own limit is far below.
const MAX_STARS: i64 = 1_000_000_000;

pub fn payment_id(text: &str) -> Result<PaymentId, Refusal> {
    uuid("payment_id", text, "the payment_id that CreatePayment answered, a UUID").map(PaymentId)
}

pub fn provider(number: i32) -> Result<Provider, Refusal> {
    match v1::PaymentProvider::try_from(number) {
        Ok(v1::PaymentProvider::Yookassa) => Ok(Provider::Yookassa),
        Ok(v1::PaymentProvider::TelegramStars) => Ok(Provider::TelegramStars),
        Ok(v1::PaymentProvider::Sandbox) => Ok(Provider::Sandbox),
        Ok(v1::PaymentProvider::Unspecified) | Err(_) => {
            Err(Refusal::field("provider", "a provider that ListPaymentMethods names"))
        }
    }
}

pub fn payment_states(numbers: &[i32]) -> Result<Vec<PaymentState>, Refusal> {
    filter(numbers, |number| match v1::PaymentState::try_from(number) {
        Ok(v1::PaymentState::Created) => Ok(PaymentState::Created),
        Ok(v1::PaymentState::Pending) => Ok(PaymentState::Pending),
        Ok(v1::PaymentState::Paid) => Ok(PaymentState::Paid),
        Ok(v1::PaymentState::Credited) => Ok(PaymentState::Credited),
        Ok(v1::PaymentState::Canceled) => Ok(PaymentState::Canceled),
        Ok(v1::PaymentState::Expired) => Ok(PaymentState::Expired),
        Ok(v1::PaymentState::Refunded) => Ok(PaymentState::Refunded),
        Ok(v1::PaymentState::Disputed) => Ok(PaymentState::Disputed),
        Ok(v1::PaymentState::Unspecified) | Err(_) => {
            Err(Refusal::field("states", "values of PaymentState, without UNSPECIFIED"))
        }
    })
}

/// How much of a payment an administrator speaks of; absent: all of it.
pub fn part(money: Option<&Money>, currency: &str) -> Result<Option<Amount>, Refusal> {
    money.map(|money| positive("amount", money, currency)).transpose()
}

/// What a user wants to be credited. That it is sold is the method's to judge.
pub fn top_up(money: Option<&Money>, currency: &str) -> Result<Amount, Refusal> {
    let takes = "what is to be credited: a pack, or within the limits of ListPaymentMethods";
    let money = money.ok_or_else(|| Refusal::field("amount", takes))?;
    positive("amount", money, currency)
}

/// Only where a browser may be sent without harm: https, or http to this very machine.
pub fn return_url(text: String) -> Result<Option<String>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(&text).ok().filter(|_| text.len() <= MAX_URL_CHARS);
    let fits = url.is_some_and(|url| match url.scheme() {
        "https" => url.has_host(),
        "http" => match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        },
        _ => false,
    });
    if !fits || text.bytes().any(|byte| !byte.is_ascii_graphic()) {
        let takes = "an https URL (http on loopback) of up to 2048 ASCII characters, or nothing";
        return Err(Refusal::field("return_url", takes));
    }
    Ok(Some(text))
}

/// Something before an @, and a name with a dot behind it: who reads the mail finds out whether it is one.
pub fn receipt_email(text: String) -> Result<Option<String>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let named = text.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty()
            && !domain.contains('@')
            && domain.split('.').count() > 1
            && domain.split('.').all(|label| !label.is_empty())
    });
    let written = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !named || !written || text.chars().count() > MAX_EMAIL_CHARS {
        let takes = "an e-mail address of up to 254 characters, or nothing";
        return Err(Refusal::field("receipt_email", takes));
    }
    Ok(Some(text))
}

/// As it came.
pub fn notification_body(body: impl Into<Vec<u8>>) -> Result<Vec<u8>, Refusal> {
    let body = body.into();
    if body.len() > MAX_NOTIFICATION_BYTES {
        return Err(Refusal::field("body", "at most 64 KiB"));
    }
    Ok(body)
}

/// As they came.
pub fn notification_headers(
    headers: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let named = headers.keys().all(|name| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase())
    });
    let written = headers.values().all(|value| !has_nul(value));
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES || !named || !written {
        let takes = "at most 100 headers of 16 KiB together, names in lower case, no U+0000";
        return Err(Refusal::field("headers", takes));
    }
    Ok(headers)
}

/// Empty: the gateway can't tell.
pub fn source_ip(text: &str) -> Result<Option<IpAddr>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let address =
        text.parse().map_err(|_| Refusal::field("source_ip", "an IP address, or nothing"))?;
    Ok(Some(address))
}

/// What came back with a Telegram payment: any text, since any invoice of the bot's may be paid.
pub fn invoice_payload(text: String) -> Result<String, Refusal> {
    if text.len() > MAX_PAYLOAD_BYTES || has_nul(&text) {
        return Err(Refusal::field("invoice_payload", "at most 128 bytes, without U+0000"));
    }
    Ok(text)
}

pub fn charge_id(text: String) -> Result<String, Refusal> {
    if !(1..=MAX_CHARGE_ID_CHARS).contains(&text.chars().count()) || has_nul(&text) {
        let takes = "the id that Telegram gave, 1 to 512 characters, without U+0000";
        return Err(Refusal::field("telegram_payment_charge_id", takes));
    }
    Ok(text)
}

/// What Telegram says was or is to be paid, in whatever currency: that it is the invoice's is judged with the payment.
pub fn stars(currency: String, total_amount: i64) -> Result<ProviderAmount, Refusal> {
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Refusal::field("currency", "three capital letters; Stars are XTR"));
    }
    if !(1..=MAX_STARS).contains(&total_amount) {
        return Err(Refusal::field("total_amount", "whole Stars, 1 to 1000000000"));
    }
    Ok(ProviderAmount { amount: Amount::units(total_amount), currency })
}
