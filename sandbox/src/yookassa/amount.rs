//! Amounts as YooKassa writes them: a decimal string with kopecks, and a currency.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::ApiError;

/// Currencies that the stand-in's shop can be paid in.
const CURRENCIES: [&str; 5] = ["RUB", "USD", "EUR", "KZT", "BYN"];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub(crate) struct Amount {
    /// In hundredths.
    pub(crate) kopecks: i64,
    pub(crate) currency: String,
}

#[derive(Serialize, Deserialize)]
struct Written {
    value: String,
    currency: String,
}

impl From<Amount> for Written {
    fn from(amount: Amount) -> Self {
        Self { value: decimal(amount.kopecks), currency: amount.currency }
    }
}

impl TryFrom<Written> for Amount {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let kopecks = kopecks(&written.value).ok_or("not an amount")?;
        Ok(Self { kopecks, currency: written.currency })
    }
}

impl Amount {
    /// Reads the field `name` of a request: above zero, in a currency of the shop.
    pub(super) fn read(body: &Value, name: &str) -> Result<Self, ApiError> {
        let given = &body[name];
        if given.is_null() {
            return Err(ApiError::invalid(name, "Amount is required"));
        }
        let value = given["value"].as_str().and_then(kopecks).filter(|kopecks| *kopecks > 0);
        let kopecks = value.ok_or_else(|| {
            ApiError::invalid(&format!("{name}.value"), "Amount value must be a positive decimal")
        })?;
        let currency = given["currency"].as_str().unwrap_or_default();
        if !CURRENCIES.contains(&currency) {
            return Err(ApiError::invalid(
                &format!("{name}.currency"),
                "Currency is not supported",
            ));
        }
        Ok(Self { kopecks, currency: currency.to_owned() })
    }

    pub(crate) fn with(&self, kopecks: i64) -> Self {
        Self { kopecks, currency: self.currency.clone() }
    }
}

/// `100.00` of 10000.
pub(crate) fn decimal(kopecks: i64) -> String {
    let sign = if kopecks < 0 { "-" } else { "" };
    let absolute = kopecks.unsigned_abs();
    format!("{sign}{}.{:02}", absolute / 100, absolute % 100)
}

/// Hundredths of a decimal with up to two digits behind the point; `None` when it is none.
pub(crate) fn kopecks(decimal: &str) -> Option<i64> {
    scaled(decimal, 2)
}

/// A decimal times ten to the power of `places`; `None` when it is none, or is finer than that.
pub(super) fn scaled(decimal: &str, places: usize) -> Option<i64> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 12 || fraction.len() > places {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{decimal, kopecks};

    #[test]
    fn decimals_are_read_and_written_without_a_float() {
        for (text, expected) in
            [("100.00", Some(10_000)), ("0.1", Some(10)), ("7", Some(700)), ("0.01", Some(1))]
        {
            assert_eq!(kopecks(text), expected, "{text}");
        }
        for wrong in ["", ".5", "1.", "1.005", "-1.00", "1,00", "1e3", "9999999999999.00"] {
            assert_eq!(kopecks(wrong), None, "{wrong}");
        }
        assert_eq!(decimal(1), "0.01");
        assert_eq!(decimal(-12_345), "-123.45");
    }
}
