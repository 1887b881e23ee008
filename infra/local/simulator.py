"""A simulator of the SMS gateway: it speaks the protocol of a provider, fails on request, and records the posts.

    python -m infra.local.simulator --port 9000 --token secret
    python -m infra.local.simulator --provider twilio

PUT /control with JSON sets its behaviour (behaviour.py); GET /seen and /seen/messages return the recorded posts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from aiohttp import web

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.callback import path_secret
from chalicelib.gateways.port import Sms
from chalicelib.gateways.receipts.port import Keys
from chalicelib.gateways.registry import NAMES
from chalicelib.settings import Settings

from .behaviour import Behaviour, changed_behaviour
from .providers.case import Case
from .providers.form import Received
from .providers.receipts.reporting import Report
from .providers.registry import SimulatedProvider, table_of
from .reporter import Reporter
from .seen import Seen
from .service import ThreadedApp, free_port
from .simulator_responses import case_response, text_response

DEFAULT_TOKEN = table_of(Settings.gateway).secret
DEFAULT_PORT = urlsplit(Settings().gateway_url).port or 80
"""Where the service expects the gateway if GATEWAY_URL is not set."""


class Simulator:
    """Use it in a process by `start()`, `url`, `behave(latency=0.5)`, `seen` and `stop()`."""

    def __init__(
        self,
        port: int | None = None,
        token: str = "",
        host: str = "127.0.0.1",
        name: str = "",
        provider: str = Settings.gateway,
    ) -> None:
        self.provider = SimulatedProvider(provider, token)
        self.behaviour = Behaviour()
        self.seen = Seen()
        questions = self.provider.form.questions
        self.reporter = Reporter(self.provider.reporting, is_asked=questions is not None)
        self.questions = 0
        self._used_at: WeakKeyDictionary[asyncio.Transport, float] = WeakKeyDictionary()
        app = web.Application(client_max_size=1024**2)
        app.add_routes(
            [
                web.post(self.provider.form.path, self._send),
                web.put("/control", self._control),
                web.get("/seen", self._seen),
                web.get("/seen/messages", self._messages),
            ]
        )
        if self.provider.balance is not None:
            app.router.add_route(self.provider.balance.method, self.provider.balance.path, self._balance)
        if questions:
            app.add_routes([web.post(questions.path, self._statuses)])
        app.cleanup_ctx.append(self.reporter.running)
        self._server = ThreadedApp(app, port or free_port(), host, name)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def gateway_url(self) -> str:
        """The value of GATEWAY_URL."""
        return self.provider.address(self.url)

    @property
    def token(self) -> str:
        """The value of GATEWAY_TOKEN that it accepts."""
        return self.provider.secret

    @token.setter
    def token(self, value: str) -> None:
        self.provider.secret = value

    def start(self) -> Simulator:
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()

    def behave(self, **behaviour: Any) -> None:
        """Set the behaviour; fields that are not given get their defaults. Raises ValueError for an impossible one."""
        self._set_behaviour(Behaviour(**behaviour))

    def _set_behaviour(self, behaviour: Behaviour) -> None:
        self.provider.check(behaviour)
        self.behaviour = behaviour

    def report_to(self, url: str, secret: str, bus: str = "") -> None:
        """Set where delivery receipts go if the behaviour has any and no post names an address.

        `url`: that of `/Receipts`, without a final slash. `secret`: /<stack>/receipts-secret. `bus`: that of
        EventBridge, for AWS.
        """
        self.reporter.account = self.provider.account_address(url, path_secret(secret)) if url else ""
        self.reporter.keys, self.reporter.bus = Keys(secret, self.token), bus

    def forget(self) -> None:
        self.seen = Seen()
        self.reporter.forget()

    async def _balance(self, request: web.Request) -> web.StreamResponse:
        """`questions` counts how often the balance was asked for. Silence and latency are those of posts."""
        self.questions += 1
        behaviour = self.behaviour
        if behaviour.outage:
            return self._hang_up(request)
        await asyncio.sleep(3600 if behaviour.hang else behaviour.latency)
        text = await request.text() or request.query_string
        question = Received(request.match_info, request.headers, text, self.token)
        told = self.provider.told(question, behaviour)
        return text_response(told.body, told.status)

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
            self.seen.unclear += 1
            return self._hang_up(request)
        if behaviour.hang:
            self.seen.unclear += 1
            await asyncio.sleep(3600)
        if behaviour.latency:
            await asyncio.sleep(behaviour.latency)
        case = self._answer(Received(request.match_info, request.headers, text, self.token), behaviour, arrived_at)
        self.seen.by_status[case.status] += 1
        self.seen.unclear += case.kind is Kind.AMBIGUOUS
        if request.transport is not None:
            self._used_at[request.transport] = time.monotonic()
        return case_response(case, behaviour)

    def _is_forgotten(self, connection: asyncio.Transport | None) -> bool:
        """Whether the connection was idle for too long, as behind a NAT gateway that has dropped it."""
        if connection is None or not self.behaviour.drops_idle:
            return False
        return time.monotonic() - self._used_at.get(connection, math.inf) > self.behaviour.drops_idle

    def _hang_up(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=502)

    def _answer(self, post: Received, behaviour: Behaviour, arrived_at: datetime) -> Case:
        sms = self.provider.read(post)
        if isinstance(sms, Case):
            return sms
        failure = behaviour.failure(int(sms.phone_number))
        answer = self.provider.answer(failure) if failure else None
        if answer is None and self.seen.accepted[sms.id]:
            answer = self.provider.duplicate
        return answer or self._accept(sms, self.provider.receipts_address(post), arrived_at)

    def _accept(self, sms: Sms, address: str, arrived_at: datetime) -> Case:
        """`address`: for its receipts, in the post."""
        self.seen.accept(sms, arrived_at)
        number = self.seen.accepted.total()
        self.reporter.note(Report(sms.id, sms.phone_number, "", address, number), self.behaviour.receipt_behaviour)
        return self.provider.acceptance(sms, number)

    async def _statuses(self, request: web.Request) -> web.Response:
        questions = self.provider.form.questions
        assert questions is not None
        post = Received(request.match_info, request.headers, await request.text(), self.token)
        body = questions.answer(post, self.reporter.statuses())
        return text_response(body)

    async def _control(self, request: web.Request) -> web.Response:
        try:
            changes = dict(json.loads(await request.text()))
            if changes.pop("reset", False):
                self.forget()
            self._set_behaviour(changed_behaviour(self.behaviour, changes))
        except (ValueError, TypeError) as error:
            return web.json_response({"detail": str(error)}, status=400)
        return web.json_response(asdict(self.behaviour))

    async def _seen(self, _: web.Request) -> web.Response:
        reported = Counter(self.reporter.outcomes.values())
        forged = {str(status): number for status, number in self.reporter.forged.items()}
        return web.json_response({**self.seen.summary(), "reported": reported, "forged": forged})

    async def _messages(self, _: web.Request) -> web.Response:
        return web.json_response([{"id": number, **message} for number, message in sorted(self.seen.messages.items())])


def main() -> int:
    parser = argparse.ArgumentParser(description="A simulator of the SMS gateway")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--provider", choices=NAMES, default=Settings.gateway, help="(%(default)s)")
    parser.add_argument("--token", default="", help="GATEWAY_TOKEN of the senders (the one in the provider's table)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--name", default="", help="further host name of this server: that of its container")
    parser.add_argument("--receipts-url", default="", help="address for delivery receipts: .../Receipts")
    parser.add_argument("--receipts-secret", default="")
    options = parser.parse_args()
    simulator = Simulator(options.port, options.token, options.host, options.name, options.provider)
    simulator.report_to(options.receipts_url.rstrip("/"), options.receipts_secret)
    try:
        simulator.start()
    except (OSError, OverflowError) as error:
        print(f"simulator: it cannot listen on port {options.port}: choose another --port ({error})", file=sys.stderr)
        return 1
    print(f"SMS gateway simulator at {simulator.gateway_url}", file=sys.stderr)
    try:
        asyncio.new_event_loop().run_forever()
    except KeyboardInterrupt:
        simulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
