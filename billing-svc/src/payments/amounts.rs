//! Decimal texts, as providers write amounts, and micros. No float; what doesn't fit exactly is refused.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::ledger::{Amount, ProviderAmount};

/// Micros of one kopeck.
const KOPECK: i64 = 10_000;

/// `{"value": "100.00", "currency": "RUB"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Money {
    pub value: String,
    pub currency: String,
}

impl Money {
    /// As it goes out: two places.
    pub fn of(price: &ProviderAmount) -> Self {
        Self { value: with_kopecks(price.amount), currency: price.currency.clone() }
    }

    /// As it came; `None` where it is no amount.
    pub fn read(&self) -> Option<ProviderAmount> {
        let currency = &self.currency;
        let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        let amount = parse(&self.value)?;
        is_code.then(|| ProviderAmount { amount, currency: currency.clone() })
    }
}

/// Micros of a decimal that is not negative and has at most six places.
pub(super) fn parse(text: &str) -> Option<Amount> {
    let decimal = Decimal::from_str_exact(text).ok()?;
    let micros = decimal.checked_mul(Decimal::from(1_000_000))?;
    let whole = micros.is_integer() && !micros.is_sign_negative();
    whole.then(|| micros.to_i64()).flatten().map(Amount::from_micros)
}

/// Whole kopecks?
pub(super) fn is_whole_kopecks(amount: Amount) -> bool {
    amount.micros() % KOPECK == 0
}

/// `100.00`. Of an amount that is not whole kopecks, what is left of one is cut off: no such one is ever asked for.
pub(super) fn with_kopecks(amount: Amount) -> String {
    Decimal::new(amount.micros() / KOPECK, 2).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_and_go_exactly() {
        for (text, micros) in [
            ("100.00", Some(100_000_000)),
            ("0.01", Some(10_000)),
            ("10", Some(10_000_000)),
            ("1.234567", Some(1_234_567)),
            ("0", Some(0)),
            ("1.2345678", None),
            ("-1.00", None),
            ("1e3", None),
            ("NaN", None),
            ("", None),
            ("99999999999999999999.00", None),
        ] {
            assert_eq!(parse(text).map(Amount::micros), micros, "{text}");
        }
        assert_eq!(with_kopecks(Amount::units(100)), "100.00");
        assert_eq!(with_kopecks(Amount::from_micros(10_000)), "0.01");
        assert!(is_whole_kopecks(Amount::from_micros(12_340_000)));
        assert!(!is_whole_kopecks(Amount::from_micros(12_345_000)));
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        let money =
            |currency: &str| Money { value: "1.00".to_owned(), currency: currency.to_owned() };
        assert!(money("RUB").read().is_some());
        for currency in ["rub", "RUBL", "", "₽"] {
            assert_eq!(money(currency).read(), None, "{currency}");
        }
    }
}
