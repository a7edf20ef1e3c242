//! `google.type.Money` to integer micros (10⁻⁶ of the currency unit) or decimals and back. No float, no rounding: what doesn't
//! fit is an error. And how people read it.
//!
//! ```
//! use proto::money::{shown, shown_missing, to_decimal, to_money};
//!
//! let price = to_money("1234.5".parse()?, "RUB")?;
//! assert_eq!((price.units, price.nanos), (1234, 500_000_000));
//! assert_eq!(shown(to_decimal(&price), "RUB", "ru"), "1\u{a0}234,50\u{a0}₽");
//! // Four kopecks and a half are missing: what is asked for is rounded up.
//! assert_eq!(shown_missing("0.045".parse()?, "RUB", "en"), "0.05\u{a0}₽");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use rust_decimal::{Decimal, RoundingStrategy};

use crate::google::r#type::Money;

const MICROS_PER_UNIT: i64 = 1_000_000;
const NANOS_PER_MICRO: i32 = 1_000;
const MAX_NANOS: i32 = 999_999_999;

/// Why a `Money` is no amount of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Another currency than the deployment's.
    #[error("the currency is {found:?}, expected {expected:?}")]
    WrongCurrency {
        /// What the message said.
        found: String,
        /// The deployment's currency.
        expected: String,
    },
    /// `nanos` is no whole number of micros.
    #[error("nanos must be a multiple of 1000")]
    SubMicro,
    /// `units` and `nanos` have opposite signs.
    #[error("units and nanos must have the same sign")]
    SignMismatch,
    /// `nanos` is not within ±999,999,999, or the amount exceeds 64-bit micros.
    #[error("the amount is out of range")]
    OutOfRange,
}

/// That many micros of `currency` (ISO 4217) on the wire.
pub fn from_micros(micros: i64, currency: &str) -> Money {
    // The remainder is below one million in size: it fits an i32, and a thousand times it does too.
    let rest = (micros % MICROS_PER_UNIT) as i32;
    Money {
        currency_code: currency.to_owned(),
        units: micros / MICROS_PER_UNIT,
        nanos: rest * NANOS_PER_MICRO,
    }
}

/// The micros of `money`, which must be in `currency`.
pub fn to_micros(money: &Money, currency: &str) -> Result<i64, MoneyError> {
    if money.currency_code != currency {
        return Err(MoneyError::WrongCurrency {
            found: money.currency_code.clone(),
            expected: currency.to_owned(),
        });
    }
    if !(-MAX_NANOS..=MAX_NANOS).contains(&money.nanos) {
        return Err(MoneyError::OutOfRange);
    }
    if money.units.signum() * i64::from(money.nanos.signum()) < 0 {
        return Err(MoneyError::SignMismatch);
    }
    if money.nanos % NANOS_PER_MICRO != 0 {
        return Err(MoneyError::SubMicro);
    }
    money
        .units
        .checked_mul(MICROS_PER_UNIT)
        .and_then(|micros| micros.checked_add(i64::from(money.nanos / NANOS_PER_MICRO)))
        .ok_or(MoneyError::OutOfRange)
}

/// The amount in units of its currency, exactly.
pub fn to_decimal(money: &Money) -> Decimal {
    Decimal::from(money.units) + Decimal::new(money.nanos.into(), 9)
}

/// An amount in units of `currency` (ISO 4217), for a request.
///
/// # Errors
/// [`MoneyError::SubMicro`]: it has more than six places. [`MoneyError::OutOfRange`]: it exceeds 64-bit micros.
pub fn to_money(amount: Decimal, currency: &str) -> Result<Money, MoneyError> {
    let micros =
        amount.checked_mul(Decimal::from(MICROS_PER_UNIT)).ok_or(MoneyError::OutOfRange)?;
    if !micros.fract().is_zero() {
        return Err(MoneyError::SubMicro);
    }
    let micros = i64::try_from(micros).map_err(|_| MoneyError::OutOfRange)?;
    Ok(from_micros(micros, currency))
}

/// What is there, for people, rounded down to hundredths: `1 234,50 ₽`, or `1,234.50 ₽` where the `language` (a tag like
/// `en-GB`) isn't Russian. Its spaces don't break.
pub fn shown(amount: Decimal, currency: &str, language: &str) -> String {
    written(amount, RoundingStrategy::ToNegativeInfinity, currency, language)
}

/// The same for what is missing or asked for, which is rounded up.
pub fn shown_missing(amount: Decimal, currency: &str, language: &str) -> String {
    written(amount, RoundingStrategy::ToPositiveInfinity, currency, language)
}

fn written(amount: Decimal, rounding: RoundingStrategy, currency: &str, language: &str) -> String {
    let rounded = amount.round_dp_with_strategy(2, rounding);
    let (group, point) = if language.starts_with("ru") { ("\u{a0}", ',') } else { (",", '.') };
    let sign = if rounded.is_sign_negative() && !rounded.is_zero() { "−" } else { "" };
    let digits = format!("{:.2}", rounded.abs());
    let (whole, rest) = digits.split_once('.').unwrap_or((&digits, "00"));
    let first = (whole.len() + 2) % 3 + 1;
    let mut grouped = whole[..first.min(whole.len())].to_owned();
    for three in whole.as_bytes()[grouped.len()..].chunks(3) {
        grouped.push_str(group);
        grouped.extend(three.iter().copied().map(char::from));
    }
    let unit = match currency {
        "RUB" => "₽",
        "USD" => "$",
        "EUR" => "€",
        other => other,
    };
    format!("{sign}{grouped}{point}{rest}\u{a0}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(units: i64, nanos: i32) -> Money {
        Money { currency_code: "RUB".to_owned(), units, nanos }
    }

    #[test]
    fn every_amount_comes_back_as_it_was() {
        for micros in
            [0, 1, -1, 999_999, -999_999, 1_000_000, 12_500_000, -40_400_000, i64::MAX, i64::MIN]
        {
            assert_eq!(to_micros(&from_micros(micros, "RUB"), "RUB"), Ok(micros));
        }
        assert_eq!(from_micros(-10_500_000, "RUB"), money(-10, -500_000_000));
    }

    #[test]
    fn what_is_no_whole_number_of_micros_is_refused() {
        let table = [
            (money(1, 1), MoneyError::SubMicro),
            (money(0, -999), MoneyError::SubMicro),
            (money(1, -1_000), MoneyError::SignMismatch),
            (money(-1, 1_000), MoneyError::SignMismatch),
            (money(0, 1_000_000_000), MoneyError::OutOfRange),
            (money(0, i32::MIN), MoneyError::OutOfRange),
            (money(i64::MAX, 0), MoneyError::OutOfRange),
            (money(i64::MIN, 0), MoneyError::OutOfRange),
            (money(9_223_372_036_854, 775_808_000), MoneyError::OutOfRange),
        ];
        for (input, expected) in table {
            assert_eq!(to_micros(&input, "RUB"), Err(expected), "{input:?}");
        }
    }

    #[test]
    fn another_currency_is_refused() {
        for code in ["USD", "rub", ""] {
            let input = Money { currency_code: code.to_owned(), ..money(1, 0) };
            assert!(matches!(to_micros(&input, "RUB"), Err(MoneyError::WrongCurrency { .. })));
        }
    }

    #[test]
    fn decimals_are_exact() {
        for (text, micros) in [
            ("0", 0),
            ("10.5", 10_500_000),
            ("-0.000001", -1),
            ("9223372036854.775807", i64::MAX),
            ("-9223372036854.775808", i64::MIN),
        ] {
            let amount: Decimal = text.parse().unwrap();
            let money = to_money(amount, "RUB").unwrap();
            assert_eq!(money, from_micros(micros, "RUB"), "{text}");
            assert_eq!(to_decimal(&money), amount);
        }
        let refused = |text: &str| to_money(text.parse().unwrap(), "RUB").unwrap_err();
        assert_eq!(refused("0.0000001"), MoneyError::SubMicro);
        assert_eq!(refused("9223372036854.775808"), MoneyError::OutOfRange);
        assert_eq!(refused("79228162514264337593543950335"), MoneyError::OutOfRange);
        // Any message has a decimal, whatever a server wrote into it.
        assert_eq!(
            to_decimal(&money(i64::MAX, i32::MAX)).to_string(),
            "9223372036854775809.147483647"
        );
    }

    #[test]
    fn people_read_hundredths_what_is_there_rounded_down_and_what_is_missing_up() {
        for (amount, down, up) in [
            ("0", "0,00", "0,00"),
            ("0.001", "0,00", "0,01"),
            ("-0.001", "−0,01", "0,00"),
            ("9.999999", "9,99", "10,00"),
            ("12.5", "12,50", "12,50"),
            ("999.99", "999,99", "999,99"),
            ("1000", "1\u{a0}000,00", "1\u{a0}000,00"),
            ("-123456.78", "−123\u{a0}456,78", "−123\u{a0}456,78"),
            ("1234567", "1\u{a0}234\u{a0}567,00", "1\u{a0}234\u{a0}567,00"),
        ] {
            let amount: Decimal = amount.parse().unwrap();
            assert_eq!(shown(amount, "RUB", "ru"), format!("{down}\u{a0}₽"));
            assert_eq!(shown_missing(amount, "RUB", "ru-RU"), format!("{up}\u{a0}₽"));
        }
        assert_eq!(shown(Decimal::from(1234), "KZT", "en"), "1,234.00\u{a0}KZT");
    }
}
