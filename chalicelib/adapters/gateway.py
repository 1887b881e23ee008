"""The SMS gateway: an external HTTP server, which may be slow, broken or down."""

from __future__ import annotations

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError
from urllib3.exceptions import SSLError as HandshakeError

from ..domain.gateway_result import CREDENTIALS_CODES, Answer
from .parameters import Parameter

BODY_LIMIT = 4096
"""Bytes that are read of an answer. The answer in the contract has about thirty."""


class Gateway:
    """One Session with a connection for each thread. Threads can share a Session for plain posts."""

    def __init__(self, url: str, token: Parameter, connections: int) -> None:
        self.url = url
        self._token = token
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=connections))

    def prepare(self) -> None:
        """Read the token. Called before a message is claimed, so that an error here costs no attempt."""
        self._token.value()

    def post(self, message_id: int, phone_number: str, text: str, timeout: float) -> Answer:
        """Post once, for at most `timeout` seconds. Errors become an Answer; nothing is raised.

        docs/GATEWAYS.md: POST /v1/send/{id} with a Bearer token and `{"id", "phone", "text"}`.
        """
        try:
            response = self._session.post(
                f"{self.url}/v1/send/{message_id}",
                json={"id": message_id, "phone": int(phone_number), "text": text},
                headers={"Authorization": f"Bearer {self._token.value()}"},
                timeout=Timeout(total=timeout),  # type: ignore[arg-type]
                allow_redirects=False,
                stream=True,
            )
            with response:
                body = response.raw.read(BODY_LIMIT, decode_content=True)
        except (requests.RequestException, HTTPError, OSError) as error:
            return Answer(None, type(error).__name__, never_sent=_never_sent(error))
        if response.status_code in CREDENTIALS_CODES:
            self._token.expire()
        return Answer(response.status_code, body.decode("utf-8", "replace"), response.headers.get("Retry-After"))

    def close(self) -> None:
        self._session.close()


def _never_sent(error: Exception) -> bool:
    """True if the request failed before a connection was made."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, ConnectTimeoutError | NewConnectionError | HandshakeError)
