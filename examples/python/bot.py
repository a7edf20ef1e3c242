"""A bot on aiogram 3 that sells pictures. It charges over gRPC, and hands the job to RQ.

python examples/python/bot.py

reads BILLING_URL, BILLING_TOKEN, REDIS_URL, TELEGRAM_BOT_TOKEN and TELEGRAM_BOT_NAME.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from aiogram import Bot, Dispatcher, F, Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from redis import Redis
from rq import Queue
from rq.exceptions import DuplicateJobError
from worker import make_picture

from kopilka import BillingClient, InsufficientFunds, KopilkaError, shown, shown_missing, to_decimal, to_money
from kopilka.aiogram import check_balance, user_id
from kopilka.billing.v1.payment_service_pb2 import CreatePaymentRequest
from kopilka.billing.v1.payments_pb2 import PAYMENT_PROVIDER_YOOKASSA

menu_router, billing_router, paid_router = Router(), Router(), Router()


# [1 bot]
def wire(billing: BillingClient, jobs: Queue) -> Dispatcher:
    dispatcher = Dispatcher()
    # Every handler can ask for these by name; check_balance needs `billing`.
    dispatcher["billing"] = billing
    dispatcher["jobs"] = jobs
    dispatcher.include_routers(menu_router, billing_router, paid_router)
    return dispatcher


async def main() -> None:
    jobs = Queue(connection=Redis.from_url(os.environ["REDIS_URL"]))
    async with BillingClient(os.environ["BILLING_URL"], os.environ["BILLING_TOKEN"]) as billing:
        await wire(billing, jobs).start_polling(Bot(os.environ["TELEGRAM_BOT_TOKEN"]))


# [end]


# [2]
MENU = InlineKeyboardMarkup(
    inline_keyboard=[
        [InlineKeyboardButton(text="🎨 Создать", callback_data="create")],
        [InlineKeyboardButton(text="💰 Оплатить / Баланс", callback_data="payment_menu")],
    ]
)


@menu_router.message(CommandStart())
async def start(message: Message) -> None:
    await message.answer("Что сделать?", reply_markup=MENU)


@billing_router.callback_query(F.data == "payment_menu")
async def payment_menu(query: CallbackQuery, billing: BillingClient) -> None:
    packs = [InlineKeyboardButton(text=f"{rubles} ₽", callback_data=f"pay:{rubles}") for rubles in (100, 300, 500)]
    text = await balance_text(billing, query.from_user.id)
    await query.answer()
    await query.message.answer(text, reply_markup=InlineKeyboardMarkup(inline_keyboard=[packs]))


@billing_router.callback_query(F.data.startswith("pay:"))
async def pay(query: CallbackQuery, billing: BillingClient, event_update: Update) -> None:
    request = CreatePaymentRequest(
        # Pressed once, paid once: the same update makes the same payment.
        request_id=f"pay-{query.bot.id}-{event_update.update_id}",
        user_id=user_id(query.from_user.id),
        provider=PAYMENT_PROVIDER_YOOKASSA,
        amount=to_money(int(query.data.removeprefix("pay:")), "RUB"),
        return_url=f"https://t.me/{os.environ['TELEGRAM_BOT_NAME']}",
    )
    try:
        payment = (await billing.call(billing.payments.CreatePayment, request)).payment
    except KopilkaError:
        await query.answer("Оплата сейчас недоступна, попробуйте позже.", show_alert=True)
        raise
    link = InlineKeyboardButton(text="Перейти к оплате", url=payment.confirmation_url)
    await query.answer()
    await query.message.answer("Счёт готов.", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[link]]))


# [end]


# [7]
async def balance_text(billing: BillingClient, telegram_id: int) -> str:
    user = await billing.get_user_info(user_id(telegram_id))
    balance = shown(to_decimal(user.balance), user.balance.currency_code)
    return f"Баланс: {balance}\nБесплатных операций: {user.free_operations_left} из {user.free_operations_total}"


# [end]


@billing_router.message(Command("balance"))
async def balance(message: Message, billing: BillingClient) -> None:
    await message.answer(await balance_text(billing, message.from_user.id))


# [3 5]
@paid_router.message(Command("generate", magic=F.args))
@check_balance("generate", keyboard=MENU)
async def generate(message: Message, command: CommandObject, operation_id: str, jobs: Queue) -> None:
    await message.answer("Генерирую…")
    # Last: whatever raises before it gives everything back, and leaves no job behind.
    enqueue(jobs, command.args, message.chat.id, operation_id)


def enqueue(jobs: Queue, prompt: str, chat_id: int, operation_id: str) -> None:
    # The operation travels with the job, and is the job's id: an update that came twice makes no second job.
    with suppress(DuplicateJobError):
        jobs.enqueue(make_picture, prompt, chat_id, operation_id, job_id=operation_id, unique=True)


# [end]


HINT = "Напишите, что нарисовать: /generate кот в шляпе"


# Without words nobody is charged.
@paid_router.message(Command("generate"))
async def generate_nothing(message: Message) -> None:
    await message.answer(HINT)


@menu_router.callback_query(F.data == "create")
async def create(query: CallbackQuery) -> None:
    await query.answer()
    await query.message.answer(HINT)


# [6]
@paid_router.message(Command("upscale"))
async def upscale(message: Message, billing: BillingClient, jobs: Queue, event_update: Update) -> None:
    try:
        charged = await billing.charge(
            user_id(message.from_user.id),
            "upscale",
            request_id=f"tg-{message.bot.id}-{event_update.update_id}",
        )
    except InsufficientFunds as refused:
        missing = shown_missing(refused.missing, refused.currency)
        await message.answer(f"Не хватает {missing}", reply_markup=MENU)
        return
    enqueue(jobs, "upscale", message.chat.id, charged.operation.operation_id)
    await message.answer("Улучшаю…")


# [end]


if __name__ == "__main__":
    asyncio.run(main())
