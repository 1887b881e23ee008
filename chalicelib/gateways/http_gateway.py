"""The SMS gateway: an external HTTP server, which may be slow, broken or down."""

from __future__ import annotations

from typing import Protocol

import requests
from urllib3.exceptions import HTTPError

from .bounded_http import BoundedHttp, Times, exchange, times
from .contract import CREDENTIALS_CODES, Answer

BODY_LIMIT = 4096
"""Bytes that are read of an answer. The answer in the contract has about thirty."""


class Secret(Protocol):
    """The gateway's secret. `expire`: it was refused, so it may have changed."""

    def value(self) -> str: ...

    def expire(self) -> None: ...


class Gateway:
    """One pool with a connection for each thread."""

    def __init__(self, url: str, token: Secret, connections: int, times: Times = times) -> None:
        self.url = url
        self._token = token
        self._http = BoundedHttp(connections, times)

    def prepare(self) -> None:
        """Read the token. Called before a message is claimed, so that an error here costs no attempt."""
        self._token.value()

    def post(self, message_id: int, phone_number: str, text: str, timeout: float) -> Answer:
        """Post once, for at most `timeout` seconds. Errors become an Answer; nothing is raised.

        docs/GATEWAYS.md: POST /v1/send/{id} with a Bearer token and `{"id", "phone", "text"}`.
        """
        url = f"{self.url}/v1/send/{message_id}"
        body = {"id": message_id, "phone": int(phone_number), "text": text}
        headers = {"Authorization": f"Bearer {self._token.value()}"}
        with exchange(timeout) as current:
            try:
                answer = self._send(url, body, headers)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                # ValueError: http.client takes a chunk of negative size for a size
                return Answer(None, type(error).__name__, never_sent=not current.is_begun)
        if answer.status in CREDENTIALS_CODES:
            self._token.expire()
        return answer

    def _send(self, url: str, body: dict[str, object], headers: dict[str, str]) -> Answer:
        with self._http.post(url, body, headers) as response:
            read = response.raw.read(BODY_LIMIT, decode_content=True)
            return Answer(response.status_code, read.decode("utf-8", "replace"), response.headers.get("Retry-After"))

    def close(self) -> None:
        self._http.close()
