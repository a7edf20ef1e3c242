"""A billing-svc on SQLite for each test, and a stand-in of Telegram."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiohttp import web

from kopilka import BillingClient, to_money
from kopilka.billing.v1.admin_service_pb2 import AdjustBalanceRequest

REPOSITORY = Path(__file__).resolve().parents[3]
#: The program under test; `make test` builds it before.
PROGRAM = Path(os.environ.get("KOPILKA_BILLING_SVC", REPOSITORY / "target" / "debug" / "billing-svc"))
TOKENS = {role: f"{role}-token-of-the-tests" for role in ("admin", "gateway", "service", "viewer", "worker")}
BOT_TOKEN = "42:token-of-a-bot-that-is-none"


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Billing:
    """A billing-svc of its own folder; it can be killed and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None
    #: More variables of its environment.
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, role: str, **more: Any) -> BillingClient:
        """A client with that role's token."""
        return BillingClient(self.url, TOKENS[role], **more)

    async def start(self) -> None:
        """Starts it, and waits until it is ready."""
        callers = self.folder / "auth.toml"
        callers.write_text(
            "".join(
                f'[[caller]]\nname = "{role}"\nrole = "{role}"\n'
                f'token_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
                for role, token in TOKENS.items()
            )
        )
        environment = {
            "PATH": os.environ["PATH"],
            "BILLING_DATABASE_URL": f"sqlite://{self.folder}/billing.db?mode=rwc",
            "BILLING_AUTH_FILE": str(callers),
            "BILLING_LISTEN": f"127.0.0.1:{self.port}",
            "BILLING_HTTP_LISTEN": f"127.0.0.1:{self.http_port}",
            "BILLING_FREE_OPERATIONS": "1",
            **self.settings,
        }
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(PROGRAM, env=environment, stdout=log, stderr=log)
        for _ in range(600):
            if self.process.returncode is not None:
                pytest.fail(f"billing-svc ended: {(self.folder / 'log').read_text()}")
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.http_port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.write(b"GET /readyz HTTP/1.0\r\n\r\n")
            answer = await reader.read()
            writer.close()
            if b" 200 " in answer:
                return
            await asyncio.sleep(0.05)
        pytest.fail("billing-svc was not ready within 30 seconds")

    async def kill(self) -> None:
        """With SIGKILL."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def top_up(self, user_id: str, rubles: int) -> None:
        """Gives a user money."""
        async with self.client("admin") as client:
            request = AdjustBalanceRequest(
                request_id=f"top-up:{user_id}:{rubles}",
                user_id=user_id,
                amount=to_money(rubles, "RUB"),
                reason="a test",
            )
            await client.call(client.admin.AdjustBalance, request)


@pytest.fixture(scope="session", autouse=True)
def program() -> None:
    """A test without it must fail, and say what to do."""
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} isn't there: build it, or name it in KOPILKA_BILLING_SVC")


@pytest.fixture
async def billing(tmp_path: Path) -> AsyncIterator[Billing]:
    """A billing-svc that serves."""
    service = Billing(tmp_path)
    await service.start()
    yield service
    await service.kill()


@dataclass
class Telegram:
    """What a bot sent: the method, and its parameters."""

    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    def texts(self) -> list[str]:
        """Of the messages."""
        return [parameters["text"] for method, parameters in self.sent if method == "sendMessage"]

    async def answer(self, request: web.Request) -> web.Response:
        """As the Bot API answers."""
        method = request.match_info["method"]
        parameters = dict(await request.post())
        self.sent.append((method, parameters))
        result: Any = True
        if method in ("sendMessage", "sendPhoto"):
            chat = {"id": int(str(parameters["chat_id"])), "type": "private"}
            result = {"message_id": len(self.sent), "date": 0, "chat": chat}
            result |= {"text": parameters["text"]} if "text" in parameters else {}
        return web.json_response({"ok": True, "result": result})


@pytest.fixture
async def telegram() -> AsyncIterator[tuple[Telegram, Bot]]:
    """A stand-in of Telegram, and a bot that talks to it."""
    stand_in = Telegram()
    application = web.Application()
    application.router.add_post("/bot{token}/{method}", stand_in.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    stand_in.url = f"http://127.0.0.1:{port}"
    session = AiohttpSession(api=TelegramAPIServer.from_base(stand_in.url))
    bot = Bot(BOT_TOKEN, session=session)
    yield stand_in, bot
    await bot.session.close()
    await runner.cleanup()
