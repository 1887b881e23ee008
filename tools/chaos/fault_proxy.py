"""A proxy between the Lambdas and AWS. On request it refuses writes, sends queue messages twice, and delays calls."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, web

from infra.local.proxy import forward, proxy_app
from infra.local.service import ThreadedApp, free_port

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
SENDS = {"SendMessage", "SendMessageBatch"}
THROTTLED = 400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
FAILED = 500, "com.amazonaws.dynamodb.v20120810#InternalServerError"


@dataclass(frozen=True)
class Faults:
    """`throttle` and `fail` are parts of all writes, from 0 to 1. `delay` is in seconds, of the calls in `delayed`."""

    throttle: float = 0.0
    fail: float = 0.0
    duplicate: bool = False
    delay: float = 0.0
    delayed: tuple[str, ...] = ()


class FaultProxy:
    def __init__(self, aws_url: str) -> None:
        self.aws_url = aws_url
        self.faults = Faults()
        self._server = ThreadedApp(proxy_app(self._forward), free_port())

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def inject(self, **faults: Any) -> None:
        """Replace all faults; without arguments there are none."""
        self.faults = Faults(**faults)

    async def _forward(self, request: web.Request) -> web.Response:
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        faults = self.faults
        refused = _refusal(operation, faults)
        if refused is not None:
            return refused
        if operation in faults.delayed:
            await asyncio.sleep(faults.delay)
        try:
            if faults.duplicate and operation in SENDS:
                await forward(request, self.aws_url)
            return await forward(request, self.aws_url)
        except (ClientError, TimeoutError, ConnectionError):  # the Lambda or MiniStack was killed
            raise web.HTTPBadGateway from None


def _refusal(operation: str, faults: Faults) -> web.Response | None:
    if operation not in WRITES:
        return None
    chance = random.random()  # noqa: S311
    if chance >= faults.throttle + faults.fail:
        return None
    status, kind = THROTTLED if chance < faults.throttle else FAILED
    body = json.dumps({"__type": kind, "message": "injected fault"})
    return web.Response(status=status, text=body, content_type="application/x-amz-json-1.0")
