"""A proxy between the Lambdas and AWS. On request it refuses calls or parts of batches, loses answers, sends queue
messages twice, delays calls, and kills the Lambda that makes a call."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

from aiohttp import ClientError, web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.deployment import LOCAL_AWS
from infra.local.proxy import SESSION, forward, proxy_app
from infra.local.service import ThreadedApp, free_port

from .faults import (
    BATCHES,
    SENDS,
    STATEMENTS,
    THROTTLED,
    Faults,
    split_batch,
    split_statements,
    with_refused,
    with_unprocessed,
)

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
        if not faults.throttle_parts or operation not in (*BATCHES, STATEMENTS):
            return await forward(request, self.aws_url)

        def is_throttled() -> bool:
            return random.random() < faults.throttle_parts  # noqa: S311

        if operation == STATEMENTS:
            body, refused = split_statements(await request.read(), is_throttled)
            return await self._forward_part(request, body, lambda answer: with_refused(answer, refused))
        body, unprocessed = split_batch(await request.read(), is_throttled)
        if not json.loads(body)["RequestItems"]:
            return _refused(*THROTTLED)
        return await self._forward_part(request, body, lambda answer: with_unprocessed(answer, operation, unprocessed))

    async def _forward_part(
        self, request: web.Request, body: bytes, completed: Callable[[bytes], bytes]
    ) -> web.Response:
        if json.loads(body).get("Statements") == []:
            return web.Response(body=completed(b'{"Responses": []}'), content_type=JSON)
        async with request.app[SESSION].post(self.aws_url + "/", data=body, headers=_signed(request, body)) as response:
            answer = await response.read()
        answer = completed(answer) if response.status == 200 else answer
        return web.Response(status=response.status, body=answer, content_type=JSON)


def _signed(request: web.Request, body: bytes) -> dict[str, str]:
    """The headers of a changed body. Its signature is that of the account: the secret key of the Lambda is unknown."""
    kept = {name: request.headers[name] for name in ("Host", "X-Amz-Target", "Content-Type")}
    anew = AWSRequest("POST", f"http://{request.host}/", data=body, headers=kept)
    credentials = Credentials(LOCAL_AWS["AWS_ACCESS_KEY_ID"], LOCAL_AWS["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "dynamodb", LOCAL_AWS["AWS_DEFAULT_REGION"]).add_auth(anew)
    return dict(anew.headers.items())


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
