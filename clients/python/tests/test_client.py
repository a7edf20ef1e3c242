"""What a caller of billing-svc relies on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from conftest import Billing, free_port

from kopilka import (
    BillingClient,
    InsufficientFunds,
    InvalidField,
    NotAllowed,
    OperationNotFound,
    OperationSettled,
    PriceChanged,
    RequestIdReused,
    Tls,
    Unavailable,
    UnknownKind,
    to_decimal,
    to_money,
)
from kopilka.billing.v1.event_service_pb2 import WatchEventsRequest
from kopilka.billing.v1.resources_pb2 import (
    OPERATION_STATE_CHARGED,
    OPERATION_STATE_COMPLETED,
    OPERATION_STATE_REFUNDED,
)


async def test_a_charge_is_held_then_spent_and_a_repeat_charges_nothing(billing: Billing) -> None:
    await billing.top_up("tg:1", 100)
    async with billing.client("service") as client:
        free = await client.charge("tg:1", "generate", request_id="u1")
        assert free.user.free_operations_left == 0 and free.user.free_operations_total == 1
        paid = await client.charge("tg:1", "generate", request_id="u2", labels={"chat": "7"})
        assert to_decimal(paid.user.balance) == 90 and paid.operation.labels == {"chat": "7"}
        again = await client.charge("tg:1", "generate", request_id="u2", labels={"chat": "7"})
        assert again.replayed and again.operation.operation_id == paid.operation.operation_id
        done = await client.complete(paid.operation.operation_id)
        assert done.operation.state == OPERATION_STATE_COMPLETED and to_decimal(done.user.held) == 0


async def test_a_refund_gives_back_what_was_taken(billing: Billing) -> None:
    await billing.top_up("tg:1", 10)
    async with billing.client("service") as client:
        taken = [await client.charge("tg:1", "generate", request_id=id) for id in ("free", "paid")]
        for charged in taken:
            back = await client.refund(charged.operation.operation_id, comment="no picture")
            assert back.operation.state == OPERATION_STATE_REFUNDED
        user = await client.get_user_info("tg:1")
        assert to_decimal(user.balance) == 10 and user.free_operations_left == 1


async def test_who_has_too_little_learns_what_is_missing(billing: Billing) -> None:
    await billing.top_up("tg:1", 4)
    async with billing.client("service") as client:
        await client.charge("tg:1", "generate", request_id="free")
        with pytest.raises(InsufficientFunds) as refused:
            await client.charge("tg:1", "generate", request_id="poor")
        error = refused.value
        assert error.required == 10 and error.available == 4 and error.missing == 6
        assert error.currency == "RUB" and not error.is_retryable
        assert (await client.get_operation(error.operation_id)).decline_reason == "INSUFFICIENT_FUNDS"


async def test_every_mistake_has_its_own_error(billing: Billing) -> None:
    await billing.top_up("tg:1", 100)
    async with billing.client("service") as client:
        done = (await client.charge("tg:1", "edit", request_id="a")).operation.operation_id
        await client.refund(done)
        with pytest.raises(OperationSettled) as settled:
            await client.complete(done)
        assert (settled.value.state, settled.value.operation_id) == ("REFUNDED", done)
        with pytest.raises(RequestIdReused) as reused:
            await client.charge("tg:1", "merge", request_id="a")
        assert reused.value.field == "kind"
        with pytest.raises(UnknownKind):
            await client.charge("tg:1", "cartoon", request_id="b")
        with pytest.raises(InvalidField) as invalid:
            await client.charge("no spaces, please", "edit", request_id="c")
        assert invalid.value.field == "user_id"
        with pytest.raises(OperationNotFound):
            await client.get_operation("019ab21e-5824-793d-9908-869b92ba44aa")
        with pytest.raises(PriceChanged) as changed:
            await client.charge("tg:1", "merge", request_id="d", max_price=to_money(14, "RUB"))
        assert changed.value.price == 15 and changed.value.currency == "RUB"


async def test_a_token_says_what_its_caller_may_do(billing: Billing) -> None:
    async with billing.client("viewer") as client:
        assert (await client.get_user_info("tg:1")).free_operations_left == 1
        with pytest.raises(NotAllowed, match="FORBIDDEN"):
            await client.charge("tg:1", "edit", request_id="a")
    async with BillingClient(billing.url, "nobody's") as client:
        with pytest.raises(NotAllowed, match="UNAUTHENTICATED"):
            await client.get_user_info("tg:1")


async def test_lists_go_on_past_a_page(billing: Billing) -> None:
    await billing.top_up("tg:1", 1000)
    async with billing.client("service") as client:
        charges = (client.charge("tg:1", "upscale", request_id=f"r{number}") for number in range(120))
        await asyncio.gather(*charges)
        found = [operation.request_id async for operation in client.list_operations("tg:1")]
        assert sorted(found) == sorted(f"r{number}" for number in range(120))
        entries = [entry.sequence async for entry in client.list_entries("tg:1")]
        assert entries == sorted(entries, reverse=True) and len(entries) >= 121


async def test_prices_quotes_and_holds(billing: Billing) -> None:
    async with billing.client("service") as client:
        prices = {price.kind: to_decimal(price.price) for price in await client.list_prices()}
        assert prices["generate"] == 10 and prices["upscale"] == 6
        quote = await client.quote("tg:1", "generate", 3)
        assert to_decimal(quote.price) == 30 and to_decimal(quote.missing) == 20 and not quote.affordable
        held = await client.charge("tg:1", "generate", request_id="h", hold=timedelta(minutes=2))
        longer = await client.extend_hold(held.operation.operation_id, timedelta(minutes=40))
        length = longer.operation.expire_time.seconds - held.operation.expire_time.seconds
        assert length == pytest.approx(38 * 60, abs=30)


async def test_a_charge_survives_the_death_of_billing(billing: Billing) -> None:
    await billing.top_up("tg:1", 100)
    async with billing.client("service") as client:
        before = await client.charge("tg:1", "edit", request_id="before")
        await billing.kill()
        waiting = asyncio.create_task(client.charge("tg:1", "edit", request_id="after"))
        await billing.start()
        after = await waiting
        assert after.operation.state == OPERATION_STATE_CHARGED
        again = await client.charge("tg:1", "edit", request_id="before")
        assert again.replayed and again.operation.operation_id == before.operation.operation_id


async def test_where_nothing_listens_the_call_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kopilka.client._FIRST_PAUSE", 0.01)
    async with BillingClient(f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(Unavailable) as error:
            await client.get_user_info("tg:1")
        assert error.value.reason == "" and error.value.is_retryable


async def test_a_client_may_be_made_before_its_event_loop_and_serves_no_other(billing: Billing) -> None:
    def program() -> BillingClient:
        client = billing.client("service")

        async def main() -> None:
            assert (await client.get_user_info("tg:1")).free_operations_left == 1

        asyncio.run(main())
        return client

    client = await asyncio.to_thread(program)
    with pytest.raises(RuntimeError, match="event loop of its first call"):
        await client.get_user_info("tg:1")


async def test_a_closed_client_says_so_and_what_was_under_way_has_no_answer() -> None:
    reached = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reached.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        client = BillingClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        waiting = asyncio.create_task(client.get_user_info("tg:1"))
        await reached.wait()
        await client.close()
        with pytest.raises(Unavailable, match="closed during the call"):
            await waiting
    with pytest.raises(RuntimeError, match="closed"):
        await client.get_user_info("tg:1")


async def test_a_call_that_is_canceled_ends_at_once() -> None:
    async with BillingClient(f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get_user_info("tg:1"), 0.05)


async def test_a_stream_tells_what_happened(billing: Billing) -> None:
    async with billing.client("gateway") as client:
        charged = await client.charge("tg:1", "edit", request_id="a")
        await client.refund(charged.operation.operation_id)
        async for told in client.stream(client.events.WatchEvents, WatchEventsRequest(consumer="tests", after=0)):
            assert told.event.operation_refunded.operation_id == charged.operation.operation_id
            break
    async with billing.client("viewer") as client:
        with pytest.raises(NotAllowed):
            await anext(client.stream(client.events.WatchEvents, WatchEventsRequest(consumer="tests")))


def test_a_wrong_url_is_refused_at_once() -> None:
    for url in ("127.0.0.1:50051", "http://billing", "ftp://billing:1", ""):
        with pytest.raises(ValueError, match="http://host:port"):
            BillingClient(url)
    with pytest.raises(ValueError, match="https://"):
        BillingClient("http://billing:50051", tls=Tls())
