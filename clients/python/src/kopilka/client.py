"""A client of billing-svc for asyncio."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from . import errors
from .billing.v1 import (
    admin_service_pb2_grpc,
    billing_service_pb2,
    billing_service_pb2_grpc,
    event_service_pb2_grpc,
    payment_service_pb2_grpc,
    promotion_service_pb2_grpc,
    resources_pb2,
)

if TYPE_CHECKING:
    from .billing.v1.admin_service_pb2_grpc import AdminServiceAsyncStub
    from .billing.v1.billing_service_pb2_grpc import BillingServiceAsyncStub
    from .billing.v1.event_service_pb2_grpc import EventServiceAsyncStub
    from .billing.v1.payment_service_pb2_grpc import PaymentServiceAsyncStub
    from .billing.v1.promotion_service_pb2_grpc import PromotionServiceAsyncStub

#: How often a call is sent before its last error is the caller's.
MAX_TRIES = 5
#: No further try begins so many seconds after the first.
RETRY_WINDOW = 20.0

# With their growth the tries outlast a restart of billing-svc: 4 to 8 seconds, by chance.
_FIRST_PAUSE = 0.2
_GROWTH = 3
_LONGEST_PAUSE = 5.0
# Without pings a peer that vanished silently is never left.
_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # A try between two attempts to connect would fail without one.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Retries are this client's own.
    ("grpc.enable_retries", 0),
    # Every address that the name stands for has its turn.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
)

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True)
class Tls:
    """For `https://`."""

    #: Of the CA that signed the server's certificate; None: those of the system.
    ca: Path | None = None
    #: This client's certificate and key, for mutual TLS.
    certificate: Path | None = None
    key: Path | None = None


class BillingClient:
    """Charges, refunds, balances; and by `call` and `stream` everything else that billing-svc serves.

    Every call has a deadline for each attempt, and is repeated as it is (the very same request, so the same
    `request_id` or `operation_id`) after a failure that another try may mend: billing-svc answers a repeated request
    with what was done the first time. It fails with a `KopilkaError`.

        async with BillingClient("http://127.0.0.1:50051", token) as billing:
            charged = await billing.charge("tg:42", "generate", request_id="tg-bot-1001")
    """

    def __init__(self, url: str, token: str | None = None, *, deadline: float = 10.0, tls: Tls | None = None) -> None:
        """`url` is `http://host:port` or `https://host:port`; connects at the first call. `deadline`: seconds.

        It may be made before there is an event loop, and belongs to the one of its first call.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port is None:
            raise ValueError(f"not a URL of a gRPC service (http://host:port): {url}")
        if tls is not None and parts.scheme == "http":
            raise ValueError(f"TLS is for https://: {url}")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self._target = f"dns:///{host}:{parts.port}"
        self._credentials = _credentials(tls or Tls()) if parts.scheme == "https" else None
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._deadline = deadline
        self._loop: asyncio.AbstractEventLoop | None = None
        self._channel: grpc.aio.Channel | None = None
        self._closed = False

    def _connection(self) -> grpc.aio.Channel:
        """A channel serves the event loop that it was made in, and no other."""
        loop = asyncio.get_running_loop()
        if self._closed:
            raise RuntimeError("this BillingClient is closed")
        if self._channel is None:
            self._loop = loop
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(self._target, options=_OPTIONS)
            else:
                self._channel = grpc.aio.secure_channel(self._target, self._credentials, options=_OPTIONS)
        elif self._loop is not loop:
            raise RuntimeError("a BillingClient belongs to the event loop of its first call: make one for each loop")
        return self._channel

    # The stubs as they were generated, for `call` and `stream`.

    @property
    def billing(self) -> BillingServiceAsyncStub:
        """Charges, refunds, balances."""
        return billing_service_pb2_grpc.BillingServiceStub(self._connection())

    @property
    def payments(self) -> PaymentServiceAsyncStub:
        """Top-ups, and what payment providers tell."""
        return payment_service_pb2_grpc.PaymentServiceStub(self._connection())

    @property
    def promotions(self) -> PromotionServiceAsyncStub:
        """Gifts."""
        return promotion_service_pb2_grpc.PromotionServiceStub(self._connection())

    @property
    def events(self) -> EventServiceAsyncStub:
        """What happened; WatchEvents is for `stream`."""
        return event_service_pb2_grpc.EventServiceStub(self._connection())

    @property
    def admin(self) -> AdminServiceAsyncStub:
        """For administrators."""
        return admin_service_pb2_grpc.AdminServiceStub(self._connection())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the calls under way, which fail with `Unavailable`, and closes the connection."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close(None)

    async def call(self, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request) -> Response:
        """Any RPC that isn't a stream: `await client.call(client.payments.GetPayment, GetPaymentRequest(…))`."""
        begun, pause = time.monotonic(), _FIRST_PAUSE
        for attempt in range(1, MAX_TRIES + 1):
            self._connection()
            try:
                return await method(request, timeout=self._deadline, metadata=self._metadata)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if self._closed and task is not None and not task.cancelling():
                    # gRPC says so to every call of a channel that closes; but nobody wants this task to end.
                    message = "the client was closed during the call"
                    raise errors.Unavailable(grpc.StatusCode.CANCELLED, "", message) from None
                raise
            except grpc.aio.AioRpcError as failed:
                error = errors.of_call(failed)
                wait = max(pause * random.uniform(0.5, 1.0), error.retry_after or 0.0)
                late = time.monotonic() + wait - begun > RETRY_WINDOW
                if attempt == MAX_TRIES or late or not error.is_retryable:
                    raise error from failed
            await asyncio.sleep(wait)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        raise AssertionError("the last try returned or raised")

    async def stream(
        self, method: grpc.aio.UnaryStreamMultiCallable[Request, Response], request: Request
    ) -> AsyncIterator[Response]:
        """An RPC that is a stream, for as long as it lasts: `client.stream(client.events.WatchEvents, …)`.

        It has no deadline and is not repeated: where it fails, begin again after what you have seen.
        """
        call = method(request, metadata=self._metadata)
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as failed:
            raise errors.of_call(failed) from failed
        finally:
            call.cancel()

    async def charge(
        self,
        user_id: str,
        kind: str,
        *,
        request_id: str,
        quantity: int = 1,
        max_price: Money | None = None,
        hold: timedelta | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> billing_service_pb2.ChargeResponse:
        """Takes the price of an operation and holds it until `complete`, `refund` or the end of the hold.

        `request_id` is made before the first try and kept with the job, so that whoever repeats it charges nothing
        twice: of the id of the update that asked for it, not at random. Fails: `InsufficientFunds`, `PriceChanged`,
        `UserBlocked`, `InDebt`, `RequestIdReused`, `UnknownKind`, `InvalidField`, `LimitExceeded`.
        """
        request = billing_service_pb2.ChargeRequest(
            request_id=request_id,
            user_id=user_id,
            kind=kind,
            quantity=quantity,
            max_price=max_price,
            hold=_duration(hold),
            labels=labels,
        )
        return await self.call(self.billing.Charge, request)

    async def complete(self, operation_id: str) -> billing_service_pb2.CompleteResponse:
        """The result was delivered: the held money is spent. Fails: `OperationNotFound`, `OperationSettled`."""
        request = billing_service_pb2.CompleteRequest(operation_id=operation_id)
        return await self.call(self.billing.Complete, request)

    async def refund(
        self,
        operation_id: str,
        reason: resources_pb2.RefundReason.ValueType = resources_pb2.REFUND_REASON_JOB_FAILED,
        comment: str = "",
    ) -> billing_service_pb2.RefundResponse:
        """Gives everything back to where it came from. Fails: `OperationNotFound`, `OperationSettled`."""
        request = billing_service_pb2.RefundRequest(operation_id=operation_id, reason=reason, comment=comment)
        return await self.call(self.billing.Refund, request)

    async def extend_hold(self, operation_id: str, hold: timedelta) -> billing_service_pb2.ExtendHoldResponse:
        """Keeps a hold for so long from now; never makes it shorter."""
        request = billing_service_pb2.ExtendHoldRequest(operation_id=operation_id, hold=_duration(hold))
        return await self.call(self.billing.ExtendHold, request)

    async def get_user_info(self, user_id: str) -> resources_pb2.UserInfo:
        """What a user has; of a user whom nobody has charged yet, what a new one would have."""
        request = billing_service_pb2.GetUserInfoRequest(user_id=user_id)
        return (await self.call(self.billing.GetUserInfo, request)).user

    async def get_operation(self, operation_id: str) -> resources_pb2.Operation:
        """One operation. Fails: `OperationNotFound`."""
        request = billing_service_pb2.GetOperationRequest(operation_id=operation_id)
        return (await self.call(self.billing.GetOperation, request)).operation

    async def quote(self, user_id: str, kind: str, quantity: int = 1) -> billing_service_pb2.QuoteResponse:
        """What a charge would cost now, and what would pay for it. Carry its price as the charge's `max_price`."""
        request = billing_service_pb2.QuoteRequest(user_id=user_id, kind=kind, quantity=quantity)
        return await self.call(self.billing.Quote, request)

    async def list_prices(self) -> Sequence[resources_pb2.Price]:
        """The price list in force, in its own order."""
        request = billing_service_pb2.ListPricesRequest()
        return (await self.call(self.billing.ListPrices, request)).prices

    async def list_operations(self, user_id: str) -> AsyncIterator[resources_pb2.Operation]:
        """A user's operations, newest first: all of them, page by page as they are asked for."""
        request = billing_service_pb2.ListOperationsRequest(user_id=user_id)
        while True:
            page = await self.call(self.billing.ListOperations, request)
            for operation in page.operations:
                yield operation
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def list_entries(self, user_id: str) -> AsyncIterator[resources_pb2.Entry]:
        """A user's entries, newest first: all of them, page by page as they are asked for."""
        request = billing_service_pb2.ListEntriesRequest(user_id=user_id)
        while True:
            page = await self.call(self.billing.ListEntries, request)
            for entry in page.entries:
                yield entry
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def _duration(length: timedelta | None) -> Duration | None:
    if length is None:
        return None
    duration = Duration()
    duration.FromTimedelta(length)
    return duration


def _credentials(tls: Tls) -> grpc.ChannelCredentials:
    read = [path.read_bytes() if path else None for path in (tls.ca, tls.key, tls.certificate)]
    return grpc.ssl_channel_credentials(*read)
