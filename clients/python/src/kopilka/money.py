"""Amounts of money: `google.type.Money` on the wire, `Decimal` in a program, never a float."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from google.type.money_pb2 import Money

_NANOS = Decimal(10**9)
_KOPECK = Decimal("0.01")
_SIGNS = {"RUB": "₽", "USD": "$", "EUR": "€"}


def to_decimal(money: Money) -> Decimal:
    """The amount, exactly."""
    return Decimal(money.units) + Decimal(money.nanos) / _NANOS


def to_money(amount: Decimal | int, currency: str) -> Money:
    """An amount for a request.

    Raises `ValueError` where it has more than six places: Kopilka counts in millionths.
    """
    nanos = Decimal(amount) * _NANOS
    if not nanos.is_finite() or nanos % 1000:
        raise ValueError(f"{amount} is no whole number of millionths of {currency}")
    units, rest = divmod(abs(int(nanos)), 10**9)
    sign = -1 if nanos < 0 else 1
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest)


def shown(amount: Decimal, currency: str, language: str = "ru") -> str:
    """What is there, for people, rounded down to kopecks: `1 234,50 ₽`, or `1,234.50 ₽` unless in Russian."""
    return _written(amount.quantize(_KOPECK, rounding=ROUND_FLOOR), currency, language)


def shown_missing(amount: Decimal, currency: str, language: str = "ru") -> str:
    """The same for what is missing or asked for, which is rounded up."""
    return _written(amount.quantize(_KOPECK, rounding=ROUND_CEILING), currency, language)


def _written(kopecks: Decimal, currency: str, language: str) -> str:
    digits = f"{kopecks:,.2f}".replace("-", "−")
    if language.startswith("ru"):
        digits = digits.replace(",", "\u00a0").replace(".", ",")
    return f"{digits}\u00a0{_SIGNS.get(currency, currency)}"
