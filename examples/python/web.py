"""A web app that takes YooKassa's notifications and hands them to billing-svc as they came.

uvicorn --app-dir examples/python web:app

reads BILLING_URL and BILLING_TOKEN.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from kopilka import BillingClient, InvalidField, KopilkaError
from kopilka.billing.v1.payment_service_pb2 import SubmitProviderNotificationRequest
from kopilka.billing.v1.payments_pb2 import PAYMENT_PROVIDER_YOOKASSA


# [1 web]
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with BillingClient(os.environ["BILLING_URL"], os.environ["BILLING_TOKEN"]) as app.state.billing:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/payments/yookassa")
async def yookassa(request: Request) -> Response:
    billing: BillingClient = request.app.state.billing
    notification = SubmitProviderNotificationRequest(
        provider=PAYMENT_PROVIDER_YOOKASSA,
        body=await request.body(),
        source_ip=request.client.host if request.client else "",
    )
    try:
        await billing.call(billing.payments.SubmitProviderNotification, notification)
    except InvalidField:
        # It is no notification.
        return Response(status_code=400)
    except KopilkaError:
        # Not kept: YooKassa sends it again, for a day.
        return Response(status_code=503)
    # Kept. What it says is asked of YooKassa itself before anybody's balance rises.
    return Response()


# [end]
