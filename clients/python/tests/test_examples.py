"""The examples of the guide, run: a bot, RQ on a real Redis, a web app, and billing-svc."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from aiogram import Bot, Dispatcher
from aiogram.types import CallbackQuery, Chat, Message, Update, User
from aiohttp import web
from conftest import BOT_TOKEN, PROGRAM, REPOSITORY, TOKENS, Billing, Telegram, free_port
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError
from redis.retry import Retry
from rq import Queue

from kopilka import KopilkaError, to_decimal
from kopilka.billing.v1.event_service_pb2 import WatchEventsRequest
from kopilka.billing.v1.payments_pb2 import PAYMENT_STATE_CREDITED

EXAMPLES = REPOSITORY / "examples" / "python"
#: Telegram, fal.ai and YooKassa without their services; built with billing-svc.
STAND_INS = PROGRAM.parent / "sandbox"
sys.path.insert(0, str(EXAMPLES))

Town = tuple[Telegram, Bot]


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a Redis of its own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("redis-server isn't there: make test installs it, or apt-get install redis-server")
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)
    )
    url = f"redis://127.0.0.1:{port}"
    while True:
        try:
            await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            assert server.returncode is None
            await asyncio.sleep(0.02)
    yield url
    server.terminate()
    await server.wait()


@dataclass
class Painter:
    """Whatever makes the pictures."""

    url: str = ""
    broken: bool = False
    slow: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    prompts: list[str] = field(default_factory=list)

    async def paint(self, request: web.Request) -> web.Response:
        self.prompts.append((await request.json())["prompt"])
        if self.slow:
            await self.over.wait()
        if self.broken:
            return web.Response(status=500)
        return web.Response(body=b"\x89PNG")


@pytest.fixture
async def painter() -> AsyncIterator[Painter]:
    made = Painter()
    application = web.Application()
    application.router.add_post("/", made.paint)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    made.over.set()
    await runner.cleanup()


class Shop:
    """The bot of the examples with its queue, and a user who writes to it."""

    def __init__(self, dispatcher: Dispatcher, bot: Bot, environment: dict[str, str]) -> None:
        self.dispatcher, self.bot, self.environment, self.updates = dispatcher, bot, environment, 0

    def update(self, text: str) -> Update:
        self.updates += 1
        sender = User(id=7, is_bot=False, first_name="-", language_code="ru")
        chat = Chat(id=7, type="private")
        said = Message(message_id=self.updates, date=datetime.now(UTC), chat=chat, from_user=sender, text=text)
        return Update(update_id=self.updates, message=said)

    async def write(self, text: str, times: int = 1) -> None:
        update = self.update(text)
        for _ in range(times):
            await self.dispatcher.feed_update(self.bot, update)

    async def press(self, data: str) -> None:
        update = self.update("menu")
        assert update.message is not None and update.message.from_user is not None
        pressed = CallbackQuery(
            id="1", from_user=update.message.from_user, chat_instance="1", message=update.message, data=data
        )
        await self.dispatcher.feed_update(self.bot, Update(update_id=update.update_id, callback_query=pressed))

    async def work(self) -> None:
        """RQ's worker in a process of its own, until the queue is empty."""
        command = [sys.executable, "-m", "rq.cli", "worker", "--burst", "--path", str(EXAMPLES)]
        worker = await asyncio.create_subprocess_exec(
            *command, "--url", self.environment["REDIS_URL"], env=self.environment
        )
        assert await asyncio.wait_for(worker.wait(), 60) == 0


@pytest.fixture
async def shop(billing: Billing, redis: str, painter: Painter, telegram: Town) -> AsyncIterator[Shop]:
    import bot as example

    environment = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": redis,
        "BILLING_URL": billing.url,
        "BILLING_TOKEN": TOKENS["worker"],
        "PICTURES_URL": painter.url,
        "TELEGRAM_API_URL": telegram[0].url,
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
    }
    for router in (example.menu_router, example.billing_router, example.paid_router):
        # A router has one dispatcher; here each test makes one.
        router._parent_router = None
    async with billing.client("gateway") as client:
        dispatcher = example.wire(client, Queue(connection=Redis.from_url(redis)))
        yield Shop(dispatcher, telegram[1], environment)


async def balance(billing: Billing) -> Any:
    async with billing.client("viewer") as client:
        user = await client.get_user_info("tg:7")
        return to_decimal(user.balance), to_decimal(user.held), user.free_operations_left


async def test_a_picture_is_paid_for_sent_and_spent(
    shop: Shop, billing: Billing, painter: Painter, telegram: Town
) -> None:
    await billing.top_up("tg:7", 100)
    await shop.write("/generate a cat")
    await shop.write("/generate a dog", times=2)
    assert await balance(billing) == (90, 10, 0)
    await shop.work()
    assert painter.prompts == ["a cat", "a dog"], "an update that came twice was worked off twice"
    assert await balance(billing) == (90, 0, 0)
    assert [method for method, _ in telegram[0].sent].count("sendPhoto") == 2


async def test_a_job_that_fails_gives_everything_back(shop: Shop, billing: Billing, painter: Painter) -> None:
    painter.broken = True
    await billing.top_up("tg:7", 100)
    await shop.write("/generate a cat")
    await shop.write("/generate a dog")
    await shop.work()
    assert len(painter.prompts) == 2
    assert await balance(billing) == (100, 0, 1)


async def test_without_the_guard_what_is_missing_is_shown_with_the_menu(
    shop: Shop, billing: Billing, telegram: Town
) -> None:
    await billing.top_up("tg:7", 2)
    await shop.write("/upscale")
    await shop.write("/upscale")
    assert telegram[0].texts() == ["Улучшаю…", "Не хватает 4,00\u00a0₽"]


async def test_the_menu_leads_to_the_balance(shop: Shop, billing: Billing, telegram: Town) -> None:
    await billing.top_up("tg:7", 12)
    await shop.write("/start")
    rows = json.loads(telegram[0].sent[-1][1]["reply_markup"])["inline_keyboard"]
    assert [button["text"] for row in rows for button in row] == ["🎨 Создать", "💰 Оплатить / Баланс"]
    await shop.press("payment_menu")
    assert telegram[0].texts()[-1] == "Баланс: 12,00\u00a0₽\nБесплатных операций: 1 из 1"
    await shop.write("/balance")
    assert telegram[0].texts()[-1] == telegram[0].texts()[-2]


async def test_a_job_that_rq_finds_too_long_gives_everything_back(
    shop: Shop, billing: Billing, painter: Painter
) -> None:
    painter.slow = True
    shop.dispatcher["jobs"]._default_timeout = 2
    await shop.write("/generate a cat")
    assert await balance(billing) == (0, 0, 0)
    await shop.work()
    assert painter.prompts == ["a cat"]
    assert await balance(billing) == (0, 0, 1)


async def test_a_queue_that_is_down_costs_nothing(shop: Shop, billing: Billing) -> None:
    shop.dispatcher["jobs"] = Queue(connection=Redis(port=free_port(), retry=Retry(NoBackoff(), 0)))
    with pytest.raises(ConnectionError):
        await shop.write("/generate a cat")
    assert await balance(billing) == (0, 0, 1)


async def test_who_does_not_say_what_to_draw_is_asked_and_not_charged(
    shop: Shop, billing: Billing, telegram: Town
) -> None:
    await shop.write("/generate")
    await shop.press("create")
    assert telegram[0].texts() == ["Напишите, что нарисовать: /generate кот в шляпе"] * 2
    assert await balance(billing) == (0, 0, 1)


@dataclass
class Till:
    """YooKassa's stand-in, which tells the web app of the examples what was paid."""

    url: str
    shop_id: str
    key: str
    web_app: str

    async def pay(self, checkout: str) -> None:
        """What the payer presses on the page that the link opens."""
        async with httpx.AsyncClient() as browser:
            page = await browser.get(checkout)
            assert page.status_code == 200 and "Банковская карта" in page.text
            order = parse_qs(urlsplit(checkout).query)["orderId"][0]
            paid = await browser.post(checkout, data={"orderId": order, "action": "bank_card"})
            assert paid.headers["location"] == "https://t.me/shop_bot"

    async def notify(self, checkout: str, event: str, **lies: Any) -> int:
        """Sends the web app a notification of that payment, which may be a forged one; the status."""
        order = parse_qs(urlsplit(checkout).query)["orderId"][0]
        async with httpx.AsyncClient() as sender:
            found = await sender.get(f"{self.url}/v3/payments/{order}", auth=(self.shop_id, self.key))
            told = {"type": "notification", "event": event, "object": found.json() | lies}
            return (await sender.post(self.web_app, json=told)).status_code


@pytest.fixture
async def till(billing: Billing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Till]:
    """The stand-in and the web app run, and billing-svc takes payments there."""
    import web as example

    if not STAND_INS.exists():
        pytest.fail(f"{STAND_INS} isn't there: build it beside billing-svc")
    port, listener = free_port(), socket.create_server(("127.0.0.1", 0))
    web_app = f"http://127.0.0.1:{listener.getsockname()[1]}/payments/yookassa"
    places = {f"SANDBOX_{name}LISTEN": f"127.0.0.1:{free_port()}" for name in ("", "TELEGRAM_", "FAL_")}
    stand_in = await asyncio.create_subprocess_exec(
        STAND_INS,
        "stand-ins",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        env={
            **places,
            "SANDBOX_YOOKASSA_LISTEN": f"127.0.0.1:{port}",
            "SANDBOX_NOTIFY_URL": web_app,
            "SANDBOX_DATA": str(tmp_path / "stand-ins"),
            "BILLING_URL": billing.url,
            "BILLING_TOKEN": TOKENS["admin"],
        },
    )
    assert stand_in.stdout is not None
    said: dict[str, str] = {}
    while "YOOKASSA_SECRET_KEY" not in said:
        line = (await stand_in.stdout.readline()).decode()
        assert line, "the stand-ins ended"
        name, _, value = line.strip().partition("=")
        said[name] = value

    await billing.kill()
    url = f"http://127.0.0.1:{port}"
    billing.settings = {
        "YOOKASSA_SHOP_ID": said["YOOKASSA_SHOP_ID"],
        "YOOKASSA_SECRET_KEY": said["YOOKASSA_SECRET_KEY"],
        "YOOKASSA_API_URL": f"{url}/v3",
    }
    await billing.start()
    monkeypatch.setenv("BILLING_URL", billing.url)
    monkeypatch.setenv("BILLING_TOKEN", TOKENS["gateway"])
    monkeypatch.setenv("TELEGRAM_BOT_NAME", "shop_bot")
    server = uvicorn.Server(uvicorn.Config(example.app, log_level="warning"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield Till(url, said["YOOKASSA_SHOP_ID"], said["YOOKASSA_SECRET_KEY"], web_app)
    server.should_exit = True
    await serving
    stand_in.terminate()
    await stand_in.communicate()


async def credited(billing: Billing, payments: int) -> None:
    """Returns when so many payments were credited."""
    async with billing.client("gateway") as client:
        request = WatchEventsRequest(consumer="tests", after=0)
        async with asyncio.timeout(60):
            async for told in client.stream(client.events.WatchEvents, request):
                payments -= told.event.payment_changed.state == PAYMENT_STATE_CREDITED
                if payments == 0:
                    return


async def followed(billing: Billing, notifications: int) -> None:
    """Returns when billing-svc is through with so many notifications."""
    async with httpx.AsyncClient() as http, asyncio.timeout(60):
        while True:
            metrics = (await http.get(f"http://127.0.0.1:{billing.http_port}/metrics")).text
            ends = re.findall(r'billing_notifications_total{.*"(?:followed|answered|unmatched)".*} (\d+)', metrics)
            if sum(int(end) for end in ends) >= notifications:
                return
            await asyncio.sleep(0.05)


async def press_pay(shop: Shop, telegram: Town, pack: str) -> str:
    """The link below the bot's answer."""
    await shop.press(pack)
    markup = json.loads(telegram[0].sent[-1][1]["reply_markup"])
    url: str = markup["inline_keyboard"][0][0]["url"]
    return url


async def test_a_payment_from_the_button_to_the_balance_once(
    shop: Shop, till: Till, billing: Billing, telegram: Town
) -> None:
    await shop.press("payment_menu")
    packs = json.loads(telegram[0].sent[-1][1]["reply_markup"])["inline_keyboard"][0]
    assert [pack["callback_data"] for pack in packs] == ["pay:100", "pay:300", "pay:500"]
    checkout = await press_pay(shop, telegram, packs[0]["callback_data"])
    assert await balance(billing) == (0, 0, 1)
    await till.pay(checkout)
    await credited(billing, 1)
    assert await balance(billing) == (100, 0, 1)

    # Told again, and told a lie about one that nobody has paid.
    unpaid = await press_pay(shop, telegram, "pay:500")
    assert unpaid != checkout
    assert await till.notify(checkout, "payment.succeeded") == 200
    assert await till.notify(checkout, "payment.succeeded", amount={"value": "9999.00", "currency": "RUB"}) == 200
    assert await till.notify(unpaid, "payment.succeeded", status="succeeded", paid=True) == 200
    assert await till.notify(unpaid, "payment.succeeded", id="23d93cac-000f-5000-8000-126628f15141") == 200
    await followed(billing, 5)
    assert await balance(billing) == (100, 0, 1)

    await till.pay(unpaid)
    await credited(billing, 2)
    assert await balance(billing) == (600, 0, 1)


async def test_an_update_that_comes_twice_makes_one_payment(shop: Shop, till: Till, telegram: Town) -> None:
    links = []
    for _ in range(2):
        links.append(await press_pay(shop, telegram, "pay:100"))
        shop.updates -= 1
    assert links[0] == links[1]


async def test_a_payer_whose_bill_cannot_be_made_is_told(shop: Shop, telegram: Town, monkeypatch: Any) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_NAME", "shop_bot")
    # This billing-svc takes no payments.
    with pytest.raises(KopilkaError):
        await shop.press("pay:100")
    assert telegram[0].sent[-1][0] == "answerCallbackQuery" and telegram[0].sent[-1][1]["show_alert"] == "true"


async def test_the_web_app_takes_what_is_kept_and_nothing_else(
    till: Till, billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = b'{"type":"notification","event":"payment.succeeded","object":{"id":"23d93cac-000f-5000-8000-126628f15141"}}'
    async with httpx.AsyncClient(timeout=60) as http:
        for garbage in (b"", b"{}", b"\xff\x00", b'{"type":"notification"', b"x" * 70_000):
            assert (await http.post(till.web_app, content=garbage)).status_code == 400, garbage[:30]
        assert (await http.post(till.web_app, content=kept)).status_code == 200
        await billing.kill()
        # YooKassa sends it again.
        assert (await http.post(till.web_app, content=kept)).status_code == 503
