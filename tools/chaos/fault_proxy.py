"""A proxy between the Lambdas and AWS. On request it refuses calls or parts of batches, loses answers, sends queue
messages twice, delays calls, and kills the Lambda that makes a call."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from aiohttp import ClientError, web

from infra.local.proxy import forward, proxy_app
from infra.local.service import ThreadedApp, free_port

from .faults import BATCHES, SENDS, THROTTLED, Faults, split_batch, with_unprocessed

JSON = "application/x-amz-json-1.0"


class FaultProxy:
    def __init__(self, aws_url: str) -> None:
        self.aws_url = aws_url
        self.faults = Faults()
        self._server = ThreadedApp(proxy_app(self._handle), free_port())

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

    async def _handle(self, request: web.Request) -> web.Response:
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        faults = self.faults
        refusal = faults.refusal(operation)
        if refusal is not None:
            return _refused(*refusal)
        if operation in faults.delayed:
            await asyncio.sleep(faults.delay)
        if await _is_killed(request, faults, after=False):
            return _without_answer(request)
        try:
            if faults.duplicate and operation in SENDS:
                await forward(request, self.aws_url)
            response = await self._forward(request, operation, faults)
        except (ClientError, TimeoutError, ConnectionError):  # the Lambda or MiniStack was killed
            raise web.HTTPBadGateway from None
        is_killed = await _is_killed(request, faults, after=True)
        return _without_answer(request) if is_killed or faults.loses(operation) else response

    async def _forward(self, request: web.Request, operation: str, faults: Faults) -> web.Response:
        if not faults.throttle_parts or operation not in BATCHES:
            return await forward(request, self.aws_url)
        body, unprocessed = split_batch(
            await request.read(),
            lambda: random.random() < faults.throttle_parts,  # noqa: S311
        )
        if not json.loads(body)["RequestItems"]:
            return _refused(*THROTTLED)
        response = await forward(request, self.aws_url, body=body)
        if response.status != 200 or not isinstance(response.body, bytes):
            return response
        return web.Response(body=with_unprocessed(response.body, operation, unprocessed), content_type=JSON)


async def _is_killed(request: web.Request, faults: Faults, after: bool) -> bool:
    """In a thread of its own, because finding the process of a connection takes milliseconds."""
    if faults.is_killed is None or request.transport is None:
        return False
    port = request.transport.get_extra_info("peername")[1]
    return await asyncio.to_thread(faults.is_killed, port, after)


def _refused(status: int, kind: str) -> web.Response:
    body = json.dumps({"__type": kind, "message": "injected fault"})
    return web.Response(status=status, text=body, content_type=JSON)


def _without_answer(request: web.Request) -> web.Response:
    """Close the connection. The response is never sent."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=502)
