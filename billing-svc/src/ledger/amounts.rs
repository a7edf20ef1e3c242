//! Integer money. No float, anywhere.

use std::fmt;

/// An amount of money in micros: 10⁻⁶ of the deployment's currency unit.
///
/// Plain arithmetic on it can't overflow: what a user has is capped by [`MAX_BALANCE`], and release builds keep
/// overflow checks on all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i64);

/// The most that one user can have, own, promotional and held together: 10¹² units, a ninth of what `i64` holds.
pub const MAX_BALANCE: Amount = Amount(1_000_000_000_000_000_000);

/// The most that one adjustment, grant or price can be: 10⁹ units.
pub const MAX_MOVEMENT: Amount = Amount(1_000_000_000_000_000);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From micros.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// In micros.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole currency units, for tables of prices and tests.
    pub const fn units(units: i64) -> Self {
        Self(units * 1_000_000)
    }

    /// This much, `quantity` times.
    pub const fn times(self, quantity: i64) -> Self {
        Self(self.0 * quantity)
    }

    /// Below zero?
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Zero?
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::ops::Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |sum, amount| sum + amount)
    }
}

/// A plain decimal of all six places that matter, at least two: `12.50`, `-0.000001`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let fraction = format!("{:06}", micros % 1_000_000);
        let kept = fraction.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{}.{}", micros / 1_000_000, &fraction[..kept])
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Micros of the deployment's currency.
    Money,
    /// Free operations.
    Operation,
}
