"""Kopilka: prepaid billing over gRPC.

`BillingClient` calls billing-svc; `kopilka.aiogram.check_balance` guards a bot's paid handlers.
"""

from .client import MAX_TRIES, RETRY_WINDOW, BillingClient, Tls
from .errors import (
    InDebt,
    InsufficientFunds,
    InvalidField,
    KopilkaError,
    LimitExceeded,
    NotAllowed,
    OperationNotFound,
    OperationSettled,
    PriceChanged,
    RequestIdReused,
    Unavailable,
    UnknownKind,
    UserBlocked,
)
from .money import shown, shown_missing, to_decimal, to_money

__all__ = [
    "MAX_TRIES",
    "RETRY_WINDOW",
    "BillingClient",
    "InDebt",
    "InsufficientFunds",
    "InvalidField",
    "KopilkaError",
    "LimitExceeded",
    "NotAllowed",
    "OperationNotFound",
    "OperationSettled",
    "PriceChanged",
    "RequestIdReused",
    "Tls",
    "Unavailable",
    "UnknownKind",
    "UserBlocked",
    "shown",
    "shown_missing",
    "to_decimal",
    "to_money",
]
