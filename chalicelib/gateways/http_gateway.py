"""A gateway over HTTP: one post, in time, whatever the server answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

import requests
from urllib3.exceptions import HTTPError

from ..domain.outcome import Kind, Outcome
from ..errors import BadSettings
from ..texts import Text
from .answer import Answer
from .bounded_http import BoundedHttp, Times, exchange, times
from .callback import Callback
from .port import Adapter, Request, Secret, Sms

BODY_LIMIT = 16 * 1024
"""Bytes that are read of an answer. Twilio repeats the text, with six bytes for each of 1600 letters."""

SENDABLE = re.compile(r"(?!\s)[\t -~\x80-\xff]*")
"""A header that HTTP can have, as http.client writes it."""


class HttpGateway:
    """One pool with a connection for each thread."""

    def __init__(
        self,
        adapter: Adapter,
        secret: Secret,
        now: Callable[[], datetime],
        connections: int,
        times: Times = times,
        callback: Callback | None = None,
    ) -> None:
        self._adapter = adapter
        self._secret = secret
        self._callback = callback
        self._now = now
        self._http = BoundedHttp(connections, times)

    def prepare(self) -> None:
        """Read the secrets. Called before a message is claimed, so that an error here costs no attempt."""
        self._secret.value()
        if self._callback:
            self._callback.prepare()

    def post(self, sms: Sms, timeout: float) -> Outcome:
        """Post once, for at most `timeout` seconds. Errors become an outcome; nothing is raised."""
        try:
            request = self._adapter.request(sms, self._secret.value())
            _require_sendable(request.headers)
        except BadSettings as bad:
            outcome = Outcome(Kind.CREDENTIALS, Text("gateway.wrong_settings", problem=str(bad)), is_answered=False)
        else:
            outcome = self._adapter.outcome(self.answer_to(request, timeout), self._now())
        if outcome.kind is Kind.CREDENTIALS:
            self._secret.expire()
        return outcome

    def answer_to(self, request: Request, timeout: float) -> Answer:
        """Errors become an answer; nothing is raised."""
        with exchange(timeout) as current:
            try:
                return self._send(request)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                # ValueError: http.client takes a chunk of negative size for a size
                return Answer(None, type(error).__name__, never_sent=not current.is_begun)

    def _send(self, request: Request) -> Answer:
        with self._http.send(request.method, request.url, request.body, request.headers) as response:
            read = response.raw.read(BODY_LIMIT, decode_content=True)
            return Answer(response.status_code, read.decode("utf-8", "replace"), response.headers.get("Retry-After"))

    def close(self) -> None:
        self._http.close()


def _require_sendable(headers: Mapping[str, str]) -> None:
    """Only the secret can make a header that is not. Raises BadSettings."""
    for name, value in headers.items():
        if not SENDABLE.fullmatch(value):
            raise BadSettings(f"GATEWAY_TOKEN: Latin letters without line breaks are expected by the header {name}")
