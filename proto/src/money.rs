//! `google.type.Money` to integer micros (10⁻⁶ of the currency unit) and back. No float, no rounding: what doesn't fit is an
//! error.

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
}
