"""A paid handler of a bot: charged, then run; given back where it fails."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram import Bot, Dispatcher, F, Router
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import CallbackQuery, Chat, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update, User
from conftest import Billing, Telegram

from kopilka import BillingClient, KopilkaError, to_decimal
from kopilka.aiogram import check_balance
from kopilka.billing.v1.resources_pb2 import OPERATION_STATE_CHARGED, OPERATION_STATE_REFUNDED

Town = tuple[Telegram, Bot]


def message(update_id: int, text: str, language: str = "ru") -> Update:
    sender = User(id=7, is_bot=False, first_name="-", language_code=language)
    now = datetime.now(UTC)
    said = Message(message_id=update_id, date=now, chat=Chat(id=7, type="private"), from_user=sender, text=text)
    return Update(update_id=update_id, message=said)


def press(update_id: int, data: str) -> Update:
    update = message(update_id, "menu")
    assert update.message is not None and update.message.from_user is not None
    pressed = CallbackQuery(
        id="1", from_user=update.message.from_user, chat_instance="1", message=update.message, data=data
    )
    return Update(update_id=update_id, callback_query=pressed)


def dispatcher(client: object, router: Router) -> Dispatcher:
    made = Dispatcher()
    made["billing"] = client
    made.include_router(router)
    return made


async def test_the_handler_gets_the_operation_and_a_repeated_update_the_same_one(
    billing: Billing, telegram: Town
) -> None:
    router, seen = Router(), []

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message, operation_id: str, bot: Bot) -> None:
        seen.append((message.text, operation_id, bot.id))

    await billing.top_up("tg:7", 100)
    async with billing.client("service") as client:
        bot = dispatcher(client, router)
        for update in (message(1, "a cat"), message(1, "a cat"), message(2, "a dog")):
            await bot.feed_update(telegram[1], update)
        user = await client.get_user_info("tg:7")
    assert [text for text, _, _ in seen] == ["a cat", "a cat", "a dog"]
    assert seen[0] == seen[1] and seen[1][1] != seen[2][1]
    # One free, one paid.
    assert to_decimal(user.balance) == 90 and telegram[0].sent == []


async def test_a_handler_that_raises_costs_nothing_and_its_error_goes_on(billing: Billing, telegram: Town) -> None:
    router, held = Router(), []

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message, operation_id: str) -> None:
        held.append(operation_id)
        raise OSError("the queue is down")

    async with billing.client("service") as client:
        bot = dispatcher(client, router)
        with pytest.raises(OSError, match="the queue is down"):
            await bot.feed_update(telegram[1], message(1, "a cat"))
        operation = await client.get_operation(held[0])
        assert operation.state == OPERATION_STATE_REFUNDED and operation.refund_comment == "OSError"
        assert (await client.get_user_info("tg:7")).free_operations_left == 1
        # Telegram sends it once more: it was given back, so it must not run for nothing.
        await bot.feed_update(telegram[1], message(1, "a cat"))
        assert len(held) == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", "Не хватает 6,00\u00a0₽: нужно 10,00\u00a0₽, есть 4,00\u00a0₽. Пополните баланс."),
        ("en", "You are 6.00\u00a0₽ short: it costs 10.00\u00a0₽, you have 4.00\u00a0₽. Top up to go on."),
    ],
)
async def test_who_has_too_little_is_told_and_the_handler_does_not_run(
    billing: Billing, telegram: Town, language: str, words: str
) -> None:
    router, runs = Router(), []

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message) -> None:
        runs.append(message.text)

    await billing.top_up("tg:7", 4)
    async with billing.client("service") as client:
        bot = dispatcher(client, router)
        for update_id in (1, 2):
            await bot.feed_update(telegram[1], message(update_id, "a cat", language))
    assert runs == ["a cat"] and telegram[0].texts() == [words]


async def test_a_button_is_answered_and_own_words_can_be_said(billing: Billing, telegram: Town) -> None:
    router, refused = Router(), []

    async def declined(event: Any, error: KopilkaError) -> None:
        refused.append((type(event), error.reason))

    @router.callback_query(F.data == "merge")
    @check_balance("merge", quantity=2)
    async def merge(query: CallbackQuery, operation_id: str) -> None:
        raise AssertionError("it can't be paid for")

    @router.callback_query(F.data == "own")
    @check_balance("merge", quantity=2, declined=declined)
    async def own(query: CallbackQuery, operation_id: str) -> None:
        raise AssertionError("it can't be paid for")

    async with billing.client("service") as client:
        bot = dispatcher(client, router)
        await bot.feed_update(telegram[1], press(1, "merge"))
        await bot.feed_update(telegram[1], press(2, "own"))
    assert [method for method, _ in telegram[0].sent] == ["answerCallbackQuery", "sendMessage"]
    assert refused == [(CallbackQuery, "INSUFFICIENT_FUNDS")]


async def test_a_handler_that_is_canceled_costs_nothing(billing: Billing, telegram: Town) -> None:
    router, begun, held = Router(), asyncio.Event(), []

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message, operation_id: str) -> None:
        held.append(operation_id)
        begun.set()
        await asyncio.Event().wait()

    async with billing.client("service") as client:
        update = dispatcher(client, router).feed_update(telegram[1], message(1, "a cat"))
        running = asyncio.create_task(update)
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        operation = await client.get_operation(held[0])
        assert operation.state == OPERATION_STATE_REFUNDED and operation.refund_comment == "CancelledError"


async def test_where_giving_back_fails_the_handlers_own_error_is_seen(
    billing: Billing, telegram: Town, caplog: pytest.LogCaptureFixture
) -> None:
    router, held = Router(), []

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message, operation_id: str, billing: BillingClient) -> None:
        held.append(operation_id)
        # As where a bot is stopped under its handlers.
        await billing.close()
        raise OSError("the queue is down")

    with pytest.raises(OSError, match="the queue is down"):
        await dispatcher(billing.client("service"), router).feed_update(telegram[1], message(1, "a cat"))
    assert f"{held[0]} is given back at the end of its hold" in caplog.text


async def test_what_a_handler_passes_on_costs_nothing(billing: Billing, telegram: Town) -> None:
    router, seen = Router(), []

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message, operation_id: str) -> Any:
        seen.append(operation_id)
        return UNHANDLED

    async with billing.client("service") as client:
        await dispatcher(client, router).feed_update(telegram[1], message(1, "a cat"))
        assert (await client.get_operation(seen[0])).state == OPERATION_STATE_REFUNDED


async def test_a_handler_without_a_job_gives_back_itself(billing: Billing, telegram: Town) -> None:
    router, seen = Router(), []

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message, operation_id: str, billing: BillingClient) -> None:
        seen.append(operation_id)
        await billing.refund(operation_id, comment="nothing to draw")
        raise ValueError("and then it fails")

    async with billing.client("service") as client:
        with pytest.raises(ValueError, match="and then it fails"):
            await dispatcher(client, router).feed_update(telegram[1], message(1, "a cat"))
        assert (await client.get_operation(seen[0])).refund_comment == "nothing to draw"


async def test_an_update_that_comes_again_during_its_first_run_is_charged_once(
    billing: Billing, telegram: Town
) -> None:
    router, seen, both = Router(), [], asyncio.Event()

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message, operation_id: str) -> None:
        seen.append(operation_id)
        if len(seen) == 2:
            both.set()
        await both.wait()

    await billing.top_up("tg:7", 100)
    async with billing.client("service") as client:
        bot = dispatcher(client, router)
        await asyncio.gather(*(bot.feed_update(telegram[1], message(1, "a cat")) for _ in range(2)))
        assert len(set(seen)) == 1
        assert (await client.get_operation(seen[0])).state == OPERATION_STATE_CHARGED
        user = await client.get_user_info("tg:7")
        assert to_decimal(user.balance) == 100 and user.free_operations_left == 0


async def test_an_update_that_comes_again_after_its_end_changes_nothing(billing: Billing, telegram: Town) -> None:
    router, seen = Router(), []

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message, operation_id: str) -> None:
        seen.append(operation_id)

    async with billing.client("service") as client:
        bot = dispatcher(client, router)
        await bot.feed_update(telegram[1], message(1, "a cat"))
        await client.complete(seen[0])
        await bot.feed_update(telegram[1], message(1, "a cat"))
        assert len(seen) == 1 and telegram[0].sent == []
        # What was declined stays so, whatever the user has now: they were told, and may ask anew.
        await bot.feed_update(telegram[1], message(2, "a dog"))
        await billing.top_up("tg:7", 100)
        await bot.feed_update(telegram[1], message(2, "a dog"))
        first, second = telegram[0].texts()
        assert len(seen) == 1 and first == second
        await bot.feed_update(telegram[1], message(3, "a dog"))
        assert len(seen) == 2


async def test_who_has_too_little_sees_how_to_top_up(billing: Billing, telegram: Town) -> None:
    router = Router()
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Top up", callback_data="pay")]])

    @router.message(F.text)
    @router.callback_query()
    @check_balance("merge", quantity=2, keyboard=keyboard)
    async def merge(event: Any, operation_id: str) -> None:
        raise AssertionError("it can't be paid for")

    pressed = press(2, "merge").callback_query
    assert pressed is not None
    inline = pressed.model_copy(update={"message": None, "inline_message_id": "1"})
    async with billing.client("service") as client:
        bot = dispatcher(client, router)
        await bot.feed_update(telegram[1], message(1, "two cats"))
        await bot.feed_update(telegram[1], press(2, "merge"))
        await bot.feed_update(telegram[1], Update(update_id=3, callback_query=inline))
    shown = [json.loads(sent["reply_markup"]) for method, sent in telegram[0].sent if method == "sendMessage"]
    assert [markup["inline_keyboard"][0][0]["text"] for markup in shown] == ["Top up", "Top up"]
    # A button of an inline message has no chat to write to.
    method, alert = telegram[0].sent[-1]
    assert method == "answerCallbackQuery" and alert["show_alert"] == "true" and "Не хватает" in alert["text"]


async def test_a_dispatcher_without_a_client_says_what_is_missing(telegram: Town) -> None:
    router = Router()

    @router.message(F.text)
    @check_balance("generate")
    async def generate(message: Message, operation_id: str) -> None:
        raise AssertionError("nobody was charged")

    bot = Dispatcher()
    bot.include_router(router)
    with pytest.raises(RuntimeError, match=r'dispatcher\["billing"\]'):
        await bot.feed_update(telegram[1], message(1, "a cat"))
