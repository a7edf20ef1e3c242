"""Amounts are exact, and written as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kopilka import shown, shown_missing, to_decimal, to_money


@pytest.mark.parametrize("amount", ["0", "12.5", "-12.5", "0.000001", "-0.000001", "1000000000.999999"])
def test_an_amount_comes_back_as_it_was(amount: str) -> None:
    money = to_money(Decimal(amount), "RUB")
    assert to_decimal(money) == Decimal(amount)
    assert money.nanos == 0 or money.units == 0 or (money.units > 0) == (money.nanos > 0)


@pytest.mark.parametrize("amount", ["0.0000001", "NaN", "Infinity"])
def test_what_kopilka_can_not_count_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="millionths"):
        to_money(Decimal(amount), "RUB")


def test_what_is_there_is_rounded_down_and_what_is_missing_up() -> None:
    third = Decimal("0.333333")
    assert shown(third, "RUB") == "0,33\u00a0₽" and shown_missing(third, "RUB") == "0,34\u00a0₽"
    assert shown(-third, "RUB") == "−0,34\u00a0₽"
    assert shown(Decimal("1234567.5"), "RUB") == "1\u00a0234\u00a0567,50\u00a0₽"
    assert shown(Decimal("1234567.5"), "RUB", "en-GB") == "1,234,567.50\u00a0₽"
    assert shown(Decimal(3), "KZT") == "3,00\u00a0KZT"
