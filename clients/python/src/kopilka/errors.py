"""What a failed call says.

Each reason that a program can act on is a class of its own; the others are a plain `KopilkaError` with its `reason`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

DOMAIN = "billing.kopilka"


class KopilkaError(Exception):
    """A call that failed, after all its tries."""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code.name}{' ' + reason if reason else ''}: {message}")
        #: The status code.
        self.code = code
        #: A value of the proto enum `ErrorReason` without its prefix; empty where no server of ours answered.
        self.reason = reason
        #: For people.
        self.message = message
        #: What belongs to the reason: see the enum.
        self.metadata: dict[str, str] = dict(metadata or {})
        #: How many seconds the server asked to wait.
        self.retry_after = retry_after

    @property
    def is_retryable(self) -> bool:
        """May the very same request succeed later? The client has tried for a while already."""
        if self.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            return True
        # With `limit` it is a rule of the domain; but where this program calls too often, no user is to blame.
        return self.code is grpc.StatusCode.RESOURCE_EXHAUSTED and self.metadata.get("limit") in (
            None,
            "caller_rate",
        )


class InsufficientFunds(KopilkaError):
    """The user has too little. The charge is kept as declined: the same `request_id` is refused again."""

    @property
    def required(self) -> Decimal:
        """The price that money has to pay."""
        return Decimal(self.metadata["required"])

    @property
    def available(self) -> Decimal:
        """What the user could spend on it."""
        return Decimal(self.metadata["available"])

    @property
    def missing(self) -> Decimal:
        """What would have to be topped up."""
        return Decimal(self.metadata["missing"])

    @property
    def currency(self) -> str:
        """ISO 4217."""
        return self.metadata["currency"]

    @property
    def operation_id(self) -> str:
        """Of the declined operation."""
        return self.metadata["operation_id"]


class PriceChanged(KopilkaError):
    """The price is above the request's `max_price`."""

    @property
    def price(self) -> Decimal:
        """The price now."""
        return Decimal(self.metadata["price"])

    @property
    def currency(self) -> str:
        """ISO 4217."""
        return self.metadata["currency"]


class UserBlocked(KopilkaError):
    """An administrator blocked the user."""


class InDebt(KopilkaError):
    """A chargeback took more than the user had left: the next top-up repays first."""


class RequestIdReused(KopilkaError):
    """The same `request_id` came with other content before: a defect of the caller's."""

    @property
    def field(self) -> str:
        """The first field that differs."""
        return self.metadata["field"]


class OperationSettled(KopilkaError):
    """It was completed, refunded or declined already."""

    @property
    def operation_id(self) -> str:
        """Of the operation."""
        return self.metadata["operation_id"]

    @property
    def state(self) -> str:
        """`COMPLETED`, `REFUNDED` or `DECLINED`."""
        return self.metadata["state"]


class OperationNotFound(KopilkaError):
    """There is none, or it is not this caller's to see."""


class InvalidField(KopilkaError):
    """A field is not as it has to be; the message says what it takes."""

    @property
    def field(self) -> str:
        """Its name."""
        return self.metadata["field"]


class UnknownKind(InvalidField):
    """The price list has no such kind of operation."""


class LimitExceeded(KopilkaError):
    """A limit of this caller or of the user; nothing was decided."""

    @property
    def limit(self) -> str:
        """`caller_rate`, `user_rate`, `open_holds`, `daily_spend`, …"""
        return self.metadata["limit"]


class Unavailable(KopilkaError):
    """No answer. It may have been done: repeat the very same request to learn it."""


class NotAllowed(KopilkaError):
    """The token is missing, unknown, or its role may not do this."""


_CLASSES: dict[str, type[KopilkaError]] = {
    "INSUFFICIENT_FUNDS": InsufficientFunds,
    "PRICE_CHANGED": PriceChanged,
    "USER_BLOCKED": UserBlocked,
    "IN_DEBT": InDebt,
    "REQUEST_ID_REUSED": RequestIdReused,
    "OPERATION_COMPLETED": OperationSettled,
    "OPERATION_REFUNDED": OperationSettled,
    "OPERATION_DECLINED": OperationSettled,
    "OPERATION_NOT_FOUND": OperationNotFound,
    "UNKNOWN_KIND": UnknownKind,
    "INVALID_FIELD": InvalidField,
    "LIMIT_EXCEEDED": LimitExceeded,
    "UNAUTHENTICATED": NotAllowed,
    "FORBIDDEN": NotAllowed,
}
_BY_CODE: dict[grpc.StatusCode, type[KopilkaError]] = {
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable,
    grpc.StatusCode.UNAUTHENTICATED: NotAllowed,
    grpc.StatusCode.PERMISSION_DENIED: NotAllowed,
}


def of_call(error: grpc.aio.AioRpcError) -> KopilkaError:
    """What a failed call says, in our words."""
    info, retry_after = error_details_pb2.ErrorInfo(), None
    # It has all that a call is asked for; its stubs just don't say so.
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for detail in status.details if status is not None else ():
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo()
            detail.Unpack(retry)
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    reason = info.reason if info.domain == DOMAIN else ""
    made = _CLASSES.get(reason) or _BY_CODE.get(error.code(), KopilkaError)
    return made(error.code(), reason, error.details() or "", info.metadata, retry_after)
