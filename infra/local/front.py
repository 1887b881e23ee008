"""The front of the local stack: serves the published paths on one port and forwards them to the emulator."""

from __future__ import annotations

import asyncio
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import ClientError, web

from .proxy import forward, proxy_app
from .service import ThreadedApp

TEMPLATE = Path(__file__).parents[1] / "stack.json"
ERROR_TYPE = "x-amzn-ErrorType"
"""Header of the errors that come from API Gateway and not from the service."""

REQUEST_ID = "x-amzn-RequestId"

RESPONSE_TYPES = {
    "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",  # an unknown address
    "UnauthorizedException": "UNAUTHORIZED",
    "AccessDeniedException": "ACCESS_DENIED",
    "RequestTooLargeException": "REQUEST_TOO_LARGE",
}
"""Errors of API Gateway whose text is in the template's GatewayResponses."""

COMPRESSION_LEVEL = 6


class Front:
    """`api_url` is the URL of the deployed stage in API Gateway, without a final slash."""

    def __init__(self, port: int, api_url: str, host: str = "127.0.0.1") -> None:
        self.api_url = api_url
        self._server = ThreadedApp(proxy_app(self._forward), port, host)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    async def _forward(self, request: web.Request) -> web.Response:
        headers = {
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Prefix": "/",
            "X-Forwarded-For": request.remote or "",
        }
        try:
            return await compressed(request, as_on_aws(await forward(request, self.api_url, headers)))
        except (ClientError, TimeoutError) as error:
            return web.json_response({"detail": f"The local stack does not respond: {error}."}, status=502)


def as_on_aws(response: web.Response) -> web.Response:
    """An error of API Gateway as the template's GatewayResponses say; LocalStack 4 ignores their texts."""
    message = _message(response) if ERROR_TYPE in response.headers else None
    if message is None:
        return response
    kind = RESPONSE_TYPES.get(response.headers[ERROR_TYPE], "DEFAULT_5XX" if response.status >= 500 else "")
    request_id = response.headers.get(REQUEST_ID, "")
    if not kind:
        return web.json_response({"detail": message}, status=response.status, headers={"X-Request-Id": request_id})
    answer = _api()["GatewayResponses"][kind]
    text = answer["ResponseTemplates"]["application/json"].replace("$context.requestId", request_id)
    status = int(answer.get("StatusCode", response.status))
    given = answer.get("ResponseParameters", {}).get("Headers", {})
    values = {name: value.strip("'") for name, value in given.items() if isinstance(value, str)}
    headers = {name: request_id if value == "context.requestId" else value for name, value in values.items()}
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)


def _message(response: web.Response) -> str | None:
    """The text of an error in API Gateway's own format, or None if the response has another format."""
    try:
        fields = json.loads(response.body if isinstance(response.body, bytes) else b"")
    except ValueError:
        return None
    text = fields.get("message", fields.get("Message")) if isinstance(fields, dict) else None
    return text if isinstance(text, str) else None


async def compressed(request: web.Request, response: web.Response) -> web.Response:
    """Compressed as by API Gateway, if the caller accepts it. MiniStack and LocalStack 4 compress nothing."""
    body = response.body if isinstance(response.body, bytes) else b""
    if "gzip" in request.headers.get("Accept-Encoding", "") and len(body) >= _api()["MinimumCompressionSize"]:
        response.body = await asyncio.to_thread(gzip.compress, body, COMPRESSION_LEVEL)
        response.headers["Content-Encoding"] = "gzip"
    return response


@cache
def _api() -> dict[str, Any]:
    """The API's properties in the template."""
    properties: dict[str, Any] = json.loads(TEMPLATE.read_text(encoding="utf-8"))["Resources"]["RestAPI"]["Properties"]
    return properties
