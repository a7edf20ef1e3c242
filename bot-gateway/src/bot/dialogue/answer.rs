//! What is asked beside a dialogue, and how words are read as its answer.

use serde::{Deserialize, Serialize};

use super::{Draft, State, Wrong};
use crate::bot::money::Amount;

/// What a promo code may have, as billing-svc takes it.
const PROMO_CODE_LENGTH: std::ops::RangeInclusive<usize> = 3..=32;
/// More digits than any amount has that can be paid.
const MAX_DIGITS: usize = 12;
/// What people write after an amount, in small letters.
const UNITS: [&str; 16] = [
    "рублей",
    "рубля",
    "рубль",
    "руб.",
    "руб",
    "р.",
    "р",
    "₽",
    "rubles",
    "rub",
    "dollars",
    "usd",
    "$",
    "euros",
    "eur",
    "€",
];

/// What was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// How much to pay in.
    Amount {
        /// No less.
        least: Amount,
        /// No more.
        most: Amount,
    },
    /// Which promo code.
    PromoCode,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// So much; whole kopecks, within the limits.
    Amount(Amount),
    /// This one; not known to exist.
    PromoCode(String),
}

impl Question {
    /// Reads words as the answer.
    pub(super) fn read(&self, text: &str) -> Result<Answer, Wrong> {
        match self {
            Self::Amount { least, most } => amount(text, least, most).map(Answer::Amount),
            Self::PromoCode => promo_code(text).map(Answer::PromoCode),
        }
    }
}

impl State {
    /// Asks beside this dialogue, which goes on afterwards.
    pub fn asking(self, question: Question) -> Self {
        Self::Asking { question, then: Box::new(self.before_question()) }
    }

    /// The dialogue without what was asked beside it.
    pub fn before_question(self) -> Self {
        match self {
            Self::Asking { then, .. } | Self::Answered { then, .. } => *then,
            state @ (Self::Idle
            | Self::Choosing { .. }
            | Self::Collecting(_)
            | Self::Confirming(_)
            | Self::Shelved(_)
            | Self::Paying { .. }) => state,
        }
    }

    /// Outside of any dialogue. A request that lacks money can be run until another one begins.
    pub fn ended(self) -> Self {
        match self.before_question() {
            Self::Confirming(draft) | Self::Shelved(draft) if draft.short => Self::Shelved(draft),
            Self::Idle
            | Self::Choosing { .. }
            | Self::Collecting(_)
            | Self::Confirming(_)
            | Self::Shelved(_)
            | Self::Paying { .. }
            | Self::Asking { .. }
            | Self::Answered { .. } => Self::Idle,
        }
    }

    /// The complete request that lacked money.
    pub fn short(&self) -> Option<&Draft> {
        match self {
            Self::Confirming(draft) | Self::Shelved(draft) => {
                Some(draft).filter(|draft| draft.short)
            }
            Self::Asking { then, .. } | Self::Answered { then, .. } => then.short(),
            Self::Idle | Self::Choosing { .. } | Self::Collecting(_) | Self::Paying { .. } => None,
        }
    }
}

/// A promo code as users type it; `Err`: it can't be one.
pub fn promo_code(text: &str) -> Result<String, Wrong> {
    let code = text.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if PROMO_CODE_LENGTH.contains(&code.len()) && code.bytes().all(plain) {
        Ok(code.to_owned())
    } else {
        Err(Wrong::NoPromoCode)
    }
}

/// "250", "1 000,50", "250.50 ₽": with kopecks or without, spaces of any width, with the unit or without.
fn amount(text: &str, least: &Amount, most: &Amount) -> Result<Amount, Wrong> {
    let written: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let written = written.to_lowercase();
    let number = UNITS
        .iter()
        .find_map(|unit| written.strip_suffix(unit).or_else(|| written.strip_prefix(unit)))
        .unwrap_or(&written);
    let (whole, rest) = number.split_once([',', '.']).unwrap_or((number, "00"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(rest) || rest.len() > 2 {
        return Err(Wrong::NoAmount);
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > MAX_DIGITS {
        return Err(Wrong::TooMuch);
    }
    let decimal = format!("{whole:0>1}.{rest}");
    let amount = Amount::of_decimal(&decimal, &least.currency).ok_or(Wrong::NoAmount)?;
    if amount.micros < least.micros {
        Err(Wrong::TooLittle)
    } else if amount.micros > most.micros {
        Err(Wrong::TooMuch)
    } else {
        Ok(amount)
    }
}

#[cfg(test)]
mod tests;
