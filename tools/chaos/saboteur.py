"""Between the Lambdas and AWS: refuses writes, sends queue messages twice, and slows calls down, as it is told."""

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
class Sabotage:
    """Rates from 0 to 1, of the writes to tables; `delay` in seconds, of the operations in `delayed`."""

    throttle: float = 0.0
    fail: float = 0.0
    double: bool = False
    delay: float = 0.0
    delayed: tuple[str, ...] = ()


class Saboteur:
    def __init__(self, aws_url: str) -> None:
        self.aws_url = aws_url
        self.sabotage = Sabotage()
        self._server = ThreadedApp(proxy_app(self._forward), free_port())

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def act(self, **sabotage: Any) -> None:
        """From now on like this; what is not named is let through."""
        self.sabotage = Sabotage(**sabotage)

    async def _forward(self, request: web.Request) -> web.Response:
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        sabotage = self.sabotage
        refused = _refusal(operation, sabotage)
        if refused is not None:
            return refused
        if operation in sabotage.delayed:
            await asyncio.sleep(sabotage.delay)
        try:
            if sabotage.double and operation in SENDS:
                await forward(request, self.aws_url)
            return await forward(request, self.aws_url)
        except (ClientError, TimeoutError, ConnectionError):  # one of the two is gone: killed, or stopped
            raise web.HTTPBadGateway from None


def _refusal(operation: str, sabotage: Sabotage) -> web.Response | None:
    if operation not in WRITES:
        return None
    jitter = random.random()  # noqa: S311
    if jitter >= sabotage.throttle + sabotage.fail:
        return None
    status, kind = THROTTLED if jitter < sabotage.throttle else FAILED
    body = json.dumps({"__type": kind, "message": "by the saboteur"})
    return web.Response(status=status, text=body, content_type="application/x-amz-json-1.0")
