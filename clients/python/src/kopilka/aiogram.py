"""Paid handlers of a bot on aiogram 3.

    dispatcher["billing"] = BillingClient(url, token)

    @router.message(Command("generate"))
    @check_balance("generate")
    async def generate(message: Message, operation_id: str) -> None:
        queue.enqueue(make_picture, message.text, operation_id)

The user is charged before the handler runs. Where they can't be, it doesn't run, and they are told why. Where it
raises, is canceled or passes the event on, the operation is refunded. After it returned the operation is held: whoever
does the job completes or refunds it by its `operation_id`, and billing-svc refunds it at the end of the hold if nobody
does. So hand the job over last, and refund (`billing.refund(operation_id)`) before a return without a job.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import Bot
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.dispatcher.event.handler import CallableObject
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, Update

from . import errors
from .billing.v1.resources_pb2 import OPERATION_STATE_CHARGED, REFUND_REASON_JOB_FAILED, OperationState
from .client import BillingClient
from .money import shown, shown_missing

_log = logging.getLogger(__name__)

Handler = Callable[..., Awaitable[Any]]
#: What to do with a user who could not be charged: the event and why.
Declined = Callable[[Message | CallbackQuery, errors.KopilkaError], Awaitable[Any]]


#: What a program does not have to be mended for.
_EXPECTED = (errors.InsufficientFunds, errors.PriceChanged, errors.InDebt, errors.UserBlocked, errors.LimitExceeded)
#: What a longer text of an alert is cut to by Telegram.
_LONGEST_ALERT = 200


def check_balance(
    kind: str,
    *,
    quantity: int = 1,
    keyboard: InlineKeyboardMarkup | None = None,
    declined: Declined | None = None,
) -> Callable[[Handler], Handler]:
    """Charges the user for an operation of that kind, and gives the handler its `operation_id`.

    The `request_id` is made of the bot and the update, so an update that Telegram sends twice charges nothing twice.
    The handler then runs again with the same `operation_id`, be the first run over or not, so give it to the job's
    queue as the job's id; and it doesn't run where the operation is settled. `keyboard` is shown to who has to top up.
    `declined` replaces what is said to a user who could not be charged: by default what is missing or why not, in
    Russian or English.

    The dispatcher's data must hold the client: `dispatcher["billing"] = BillingClient(…)`.
    """

    def decorate(handler: Handler) -> Handler:
        call = CallableObject(handler)

        @functools.wraps(handler)
        async def guarded(event: Message | CallbackQuery, **data: Any) -> Any:
            billing: BillingClient | None = data.get("billing")
            if billing is None:
                raise RuntimeError('check_balance finds no client: dispatcher["billing"] = BillingClient(…)')
            update: Update = data["event_update"]
            bot: Bot = data["bot"]
            if event.from_user is None:
                # A channel's post: there is nobody to charge.
                return None
            request_id = f"tg-{bot.id}-{update.update_id}"
            try:
                charged = await billing.charge(
                    user_id(event.from_user.id), kind, quantity=quantity, request_id=request_id
                )
            except errors.KopilkaError as error:
                if not isinstance(error, _EXPECTED):
                    _log.error("%s for %s was not charged: %s", request_id, kind, error)
                await (declined(event, error) if declined else tell(event, error, keyboard))
                return None
            operation_id, state = charged.operation.operation_id, charged.operation.state
            if state != OPERATION_STATE_CHARGED:
                # Nobody pays for another run.
                _log.info("%s came again: %s is %s", request_id, operation_id, OperationState.Name(state))
                return None
            try:
                result = await call.call(event, **{**data, "operation_id": operation_id})
            except BaseException as error:
                await _give_back(billing, operation_id, type(error).__name__)
                raise
            if result is UNHANDLED:
                await _give_back(billing, operation_id, "UNHANDLED")
            return result

        # aiogram asks the innermost function for its parameters, and would leave out what only this one takes.
        del guarded.__wrapped__
        return guarded

    return decorate


def user_id(telegram_id: int) -> str:
    """What Kopilka calls a user of Telegram."""
    return f"tg:{telegram_id}"


async def _give_back(billing: BillingClient, operation_id: str, why: str) -> None:
    try:
        await billing.refund(operation_id, REFUND_REASON_JOB_FAILED, why)
    except errors.OperationSettled:
        # The handler had done so, or the job was done.
        pass
    except Exception as failed:
        # Also a client that was closed: the handler's own error must be seen, not this one.
        _log.error("%s is given back at the end of its hold, not now: %s", operation_id, failed)


async def tell(
    event: Message | CallbackQuery, error: errors.KopilkaError, keyboard: InlineKeyboardMarkup | None = None
) -> None:
    """Says to the user why they were not charged; the keyboard goes below where a top-up would help."""
    user = event.from_user
    text = refusal(error, (user.language_code if user else None) or "ru")
    below = keyboard if isinstance(error, errors.InsufficientFunds | errors.InDebt) else None
    if isinstance(event, Message):
        await event.answer(text, reply_markup=below)
    elif event.message is None:
        # The button of an inline message: there is no chat to write to.
        await event.answer(text[:_LONGEST_ALERT], show_alert=True)
    else:
        # The button stops waiting, and the text stays in the chat.
        await event.answer()
        await event.message.answer(text, reply_markup=below)


def refusal(error: errors.KopilkaError, language: str) -> str:
    """Why a user was not charged, for them; in Russian for `ru`, else in English."""
    russian = language.startswith("ru")
    match error:
        case errors.InsufficientFunds():
            missing = shown_missing(error.missing, error.currency, language)
            price = shown_missing(error.required, error.currency, language)
            there = shown(error.available, error.currency, language)
            if russian:
                return f"Не хватает {missing}: нужно {price}, есть {there}. Пополните баланс."
            return f"You are {missing} short: it costs {price}, you have {there}. Top up to go on."
        case errors.PriceChanged():
            price = shown_missing(error.price, error.currency, language)
            return f"Цена изменилась: теперь {price}." if russian else f"The price has changed: it is {price} now."
        case errors.InDebt():
            if russian:
                return "Платёж был возвращён, и на счёте долг. Пополните баланс, чтобы продолжить."
            return "A payment was taken back and your account is in debt. Top up to go on."
        case errors.UserBlocked():
            return "Ваш счёт заблокирован." if russian else "Your account is blocked."
        case errors.LimitExceeded():
            if russian:
                return "Слишком много запросов. Попробуйте немного позже."
            return "Too many requests. Please try again a little later."
        case _:
            if russian:
                return "Сейчас не получается принять заказ. Деньги не списаны или вернутся. Попробуйте позже."
            return "We can't take your order now. Nothing was charged, or it will come back. Please try later."
