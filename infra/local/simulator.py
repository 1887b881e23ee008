"""A simulator of the SMS gateway: it follows the contract, fails on request, and records the posts.

    python -m infra.local.simulator --port 9000 --token secret

PUT /control with JSON sets its behaviour (behaviour.py); GET /seen and /seen/messages return the recorded posts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
import time
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from aiohttp import web

from chalicelib.settings import Settings

from .behaviour import Behaviour, changed_behaviour
from .reporter import Reporter
from .seen import Seen
from .service import ThreadedApp, free_port

DEFAULT_TOKEN = "simulator-token"  # noqa: S105
DEFAULT_PORT = urlsplit(Settings().gateway_url).port or 80
"""Where the service expects the gateway if GATEWAY_URL is not set."""


class Simulator:
    """Use it in a process by `start()`, `url`, `behave(latency=0.5)`, `seen` and `stop()`."""

    def __init__(
        self, port: int | None = None, token: str = DEFAULT_TOKEN, host: str = "127.0.0.1", name: str = ""
    ) -> None:
        self.token = token
        self.behaviour = Behaviour()
        self.seen = Seen()
        self.reporter = Reporter()
        self._used_at: WeakKeyDictionary[asyncio.Transport, float] = WeakKeyDictionary()
        app = web.Application(client_max_size=1024**2)
        app.add_routes(
            [
                web.post("/v1/send/{id}", self._send),
                web.put("/control", self._control),
                web.get("/seen", self._seen),
                web.get("/seen/messages", self._messages),
            ]
        )
        app.cleanup_ctx.append(self.reporter.running)
        self._server = ThreadedApp(app, port or free_port(), host, name)

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> Simulator:
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()

    def behave(self, **behaviour: Any) -> None:
        """Set the behaviour; fields that are not given get their defaults."""
        self.behaviour = Behaviour(**behaviour)

    def report_to(self, url: str, secret: str) -> None:
        """Set the address for delivery receipts, which are sent if the behaviour has any."""
        self.reporter.url, self.reporter.secret = url, secret

    def forget(self) -> None:
        self.seen = Seen()
        self.reporter.forget()

    async def _send(self, request: web.Request) -> web.StreamResponse:
        arrived_at = datetime.now(UTC)
        if self._is_forgotten(request.transport):
            return self._hang_up(request)
        try:
            text = await request.text()
        except ConnectionError:  # the client was killed during the request
            return web.Response(status=400)
        self.seen.arrived(arrived_at)
        behaviour = self.behaviour
        if behaviour.outage:
            return self._hang_up(request)
        if behaviour.hang:
            await asyncio.sleep(3600)
        if behaviour.latency:
            await asyncio.sleep(behaviour.latency)
        response = self._answer(request, text, behaviour, arrived_at)
        self.seen.by_status[response.status] += 1
        if request.transport is not None:
            self._used_at[request.transport] = time.monotonic()
        return response

    def _is_forgotten(self, connection: asyncio.Transport | None) -> bool:
        """Whether the connection was idle for too long, as behind a NAT gateway that has dropped it."""
        if connection is None or not self.behaviour.drops_idle:
            return False
        return time.monotonic() - self._used_at.get(connection, math.inf) > self.behaviour.drops_idle

    def _hang_up(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=502)

    def _answer(self, request: web.Request, text: str, behaviour: Behaviour, arrived_at: datetime) -> web.Response:
        if behaviour.unauthorized or request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"code": 1, "message": "unauthorized"}, status=401)
        if behaviour.throttle:
            return web.Response(status=429, headers={"Retry-After": str(behaviour.throttle)})
        if random.random() < behaviour.error_rate:  # noqa: S311
            return web.Response(status=500, text="<h1>Internal Server Error</h1>")
        body = _read_message(text, request.match_info["id"])
        if body is None or body["phone"] in behaviour.refuse:
            return web.json_response({"code": 2, "message": "bad request"}, status=400)
        if body["phone"] in behaviour.fail_for:
            return web.Response(status=500)
        if behaviour.garbage:
            return web.Response(text="<html>busy</html>", content_type="text/html")
        self.seen.accept(body, arrived_at)
        if self.reporter.url:
            self.reporter.note(body["id"], behaviour.receipt_behaviour)
        return web.json_response({"code": 0, "message": "OK"})

    async def _control(self, request: web.Request) -> web.Response:
        try:
            changes = dict(json.loads(await request.text()))
            if changes.pop("reset", False):
                self.forget()
            self.behaviour = changed_behaviour(self.behaviour, changes)
        except (ValueError, TypeError) as error:
            return web.json_response({"detail": str(error)}, status=400)
        return web.json_response(asdict(self.behaviour))

    async def _seen(self, _: web.Request) -> web.Response:
        reported = Counter(self.reporter.outcomes.values())
        return web.json_response({**self.seen.summary(), "reported": reported})

    async def _messages(self, _: web.Request) -> web.Response:
        return web.json_response([{"id": number, **message} for number, message in sorted(self.seen.messages.items())])


def _read_message(text: str, path_id: str) -> dict[str, Any] | None:
    """The body, or None if it does not follow the contract."""
    try:
        body = json.loads(text)
    except ValueError:
        return None
    if not isinstance(body, dict) or set(body) != {"id", "phone", "text"}:
        return None
    numbers = all(type(body[name]) is int and 0 < body[name] < 2**63 for name in ("id", "phone"))
    return body if numbers and str(body["id"]) == path_id and isinstance(body["text"], str) else None


def main() -> None:
    parser = argparse.ArgumentParser(description="A simulator of the SMS gateway")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--token", default=DEFAULT_TOKEN)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--name", default="", help="further host name of this server: that of its container")
    parser.add_argument("--receipts-url", default="", help="address for delivery receipts: .../Receipts/")
    parser.add_argument("--receipts-secret", default="")
    options = parser.parse_args()
    simulator = Simulator(options.port, options.token, options.host, options.name)
    simulator.report_to(options.receipts_url, options.receipts_secret)
    simulator.start()
    print(f"SMS gateway simulator at {simulator.url}", file=sys.stderr)
    try:
        asyncio.new_event_loop().run_forever()
    except KeyboardInterrupt:
        simulator.stop()


if __name__ == "__main__":
    main()
