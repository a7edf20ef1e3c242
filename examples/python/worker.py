"""The job that RQ runs: it makes a picture, sends it, and settles the operation that paid for it.

rq worker --url "$REDIS_URL" --path examples/python

reads BILLING_URL, BILLING_TOKEN, TELEGRAM_BOT_TOKEN and PICTURES_URL.
"""

from __future__ import annotations

import asyncio
import os

import httpx

from kopilka import BillingClient
from kopilka.billing.v1.resources_pb2 import OPERATION_STATE_CHARGED, REFUND_REASON_JOB_FAILED


# [4 5]
def make_picture(prompt: str, chat_id: int, operation_id: str) -> None:
    asyncio.run(_make_picture(prompt, chat_id, operation_id))


async def _make_picture(prompt: str, chat_id: int, operation_id: str) -> None:
    async with BillingClient(os.environ["BILLING_URL"], os.environ["BILLING_TOKEN"]) as billing:
        operation = await billing.get_operation(operation_id)
        if operation.state != OPERATION_STATE_CHARGED:
            # An earlier run settled it, or its hold ended: nobody pays for this run.
            return
        try:
            await send(chat_id, await picture_of(prompt))
        except (Exception, asyncio.CancelledError) as error:
            # Canceled is a job that RQ found too long. Back to the very source; asked twice, it is given back once.
            await billing.refund(operation_id, REFUND_REASON_JOB_FAILED, repr(error)[:200])
            raise
        await billing.complete(operation_id)


# [end]


async def picture_of(prompt: str) -> bytes:
    """Asks whatever makes the pictures."""
    async with httpx.AsyncClient(timeout=120) as client:
        answer = await client.post(os.environ["PICTURES_URL"], json={"prompt": prompt})
        answer.raise_for_status()
        return answer.content


async def send(chat_id: int, picture: bytes) -> None:
    """Sends it to the chat."""
    base = os.environ.get("TELEGRAM_API_URL", "https://api.telegram.org")
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(
            f"{base}/bot{os.environ['TELEGRAM_BOT_TOKEN']}/sendPhoto",
            data={"chat_id": chat_id},
            files={"photo": ("picture.png", picture, "image/png")},
        )
        if answer.is_error:
            # Not raise_for_status: its message holds the URL, and the URL the token.
            raise RuntimeError(f"Telegram answered {answer.status_code}")
