//! Money as people read it: always with kopecks, never a float.
//!
//! What is there is rounded down and what is missing or asked is rounded up, so that 40 kopecks short never
//! look like nothing.

use proto::{google::r#type::Money, money::MoneyError};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::text::Locale;

/// Micros in one hundredth of the currency unit.
const MICROS_PER_CENT: i64 = 10_000;
/// Micros in the currency unit.
const MICROS_PER_UNIT: i64 = 1_000_000;

/// Money as billing-svc counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// 10⁻⁶ of the currency unit.
    pub micros: i64,
    /// ISO 4217.
    pub currency: String,
}

impl Amount {
    /// What a message says; an absent amount is zero.
    pub fn of(money: Option<&Money>) -> Result<Self, MoneyError> {
        let Some(money) = money else { return Ok(Self::default()) };
        let currency = money.currency_code.clone();
        Ok(Self { micros: proto::money::to_micros(money, &currency)?, currency })
    }

    /// From a decimal of the currency's unit. None when it is no whole number of micros or doesn't fit.
    pub fn exact(decimal: Decimal, currency: &str) -> Option<Self> {
        Self::of(Some(&proto::money::to_money(decimal, currency).ok()?)).ok()
    }

    /// From what was typed, as a decimal string. None when it is no such number or doesn't fit.
    pub fn of_decimal(decimal: &str, currency: &str) -> Option<Self> {
        Self::exact(decimal.trim().parse().ok()?, currency)
    }

    /// Rounded up to whole units of the currency; `None`: out of range.
    pub fn whole_units(&self) -> Option<Self> {
        let units = self.micros.checked_add(MICROS_PER_UNIT - 1)?.div_euclid(MICROS_PER_UNIT);
        Some(Self { micros: units * MICROS_PER_UNIT, currency: self.currency.clone() })
    }

    /// As a message says it.
    pub fn to_money(&self) -> Money {
        proto::money::from_micros(self.micros, &self.currency)
    }

    /// What a user has: rounded down to a kopeck, below zero too.
    pub fn there(&self, locale: Locale) -> String {
        written(self.micros.div_euclid(MICROS_PER_CENT), &self.currency, locale)
    }

    /// What a user would have to pay or is short of: rounded up to a kopeck.
    pub fn asked(&self, locale: Locale) -> String {
        let whole = self.micros.div_euclid(MICROS_PER_CENT);
        let rest = i64::from(self.micros.rem_euclid(MICROS_PER_CENT) > 0);
        written(whole + rest, &self.currency, locale)
    }
}

fn written(cents: i64, currency: &str, locale: Locale) -> String {
    let sign = if cents < 0 { "−" } else { "" };
    let cents = cents.unsigned_abs();
    let point = match locale {
        Locale::Ru => ',',
        Locale::En => '.',
    };
    let unit = match currency {
        "RUB" => "₽",
        "USD" => "$",
        "EUR" => "€",
        other => other,
    };
    // A non-breaking space: a number that leaves its unit on the next line is hard to read.
    format!("{sign}{}{point}{:02}\u{a0}{unit}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUBLE: i64 = 1_000_000;

    fn there(micros: i64, currency: &str, locale: Locale) -> String {
        Amount { micros, currency: currency.to_owned() }.there(locale)
    }

    fn asked(micros: i64, currency: &str, locale: Locale) -> String {
        Amount { micros, currency: currency.to_owned() }.asked(locale)
    }

    #[test]
    fn kopecks_are_always_shown() {
        for (micros, ru, en) in [
            (0, "0,00\u{a0}₽", "0.00\u{a0}₽"),
            (12 * RUBLE + 500_000, "12,50\u{a0}₽", "12.50\u{a0}₽"),
            (10 * RUBLE, "10,00\u{a0}₽", "10.00\u{a0}₽"),
            (50_000, "0,05\u{a0}₽", "0.05\u{a0}₽"),
            (123_456 * RUBLE, "123456,00\u{a0}₽", "123456.00\u{a0}₽"),
            (-RUBLE, "−1,00\u{a0}₽", "−1.00\u{a0}₽"),
            (-400_000, "−0,40\u{a0}₽", "−0.40\u{a0}₽"),
        ] {
            assert_eq!(there(micros, "RUB", Locale::Ru), ru);
            assert_eq!(there(micros, "RUB", Locale::En), en);
            assert_eq!(asked(micros, "RUB", Locale::Ru), ru, "a whole kopeck is never rounded");
        }
        assert_eq!(there(RUBLE, "KZT", Locale::En), "1.00\u{a0}KZT");
    }

    #[test]
    fn what_is_there_is_rounded_down_and_what_is_missing_up() {
        for (micros, down, up) in [
            (1, "0,00", "0,01"),
            (9_999, "0,00", "0,01"),
            (10_001, "0,01", "0,02"),
            (9_999_999, "9,99", "10,00"),
            (-1, "−0,01", "0,00"),
            (-10_001, "−0,02", "−0,01"),
            (i64::MAX, "9223372036854,77", "9223372036854,78"),
            (i64::MIN, "−9223372036854,78", "−9223372036854,77"),
        ] {
            assert_eq!(there(micros, "RUB", Locale::Ru), format!("{down}\u{a0}₽"), "{micros}");
            assert_eq!(asked(micros, "RUB", Locale::Ru), format!("{up}\u{a0}₽"), "{micros}");
        }
    }

    #[test]
    fn decimals_are_read_exactly() {
        for (decimal, micros) in [
            ("10", Some(10 * RUBLE)),
            ("3.50", Some(3_500_000)),
            ("0.000001", Some(1)),
            ("-5.25", Some(-5_250_000)),
            ("0.0000001", None),
            ("99999999999999", None),
            ("much", None),
            ("", None),
        ] {
            assert_eq!(
                Amount::of_decimal(decimal, "RUB").map(|amount| amount.micros),
                micros,
                "{decimal}"
            );
        }
    }
}
