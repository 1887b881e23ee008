"""The port: what the service needs of a gateway, and what an adapter says about its provider."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ..domain.outcome import Outcome
from .answer import Answer


@dataclass(frozen=True, slots=True)
class Sms:
    """`id`: the same on every attempt, an int64. `phone_number`: digits, the country first, without a plus."""

    id: int
    phone_number: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """A post over HTTP."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Secret(Protocol):
    """The gateway's secret. `expire`: it was refused, so it may have changed."""

    def value(self) -> str: ...

    def expire(self) -> None: ...


class Adapter(Protocol):
    """How a message becomes a request to one provider over HTTP, and how its answer becomes an outcome."""

    def request(self, sms: Sms, secret: str) -> Request: ...

    def outcome(self, answer: Answer, now: datetime) -> Outcome: ...


class Gateway(Protocol):
    """Threads share it."""

    def prepare(self) -> None:
        """Called before a message is claimed, so that an error here costs no attempt. Raises any error."""

    def post(self, sms: Sms, timeout: float) -> Outcome:
        """Post once, for at most `timeout` seconds. Errors become an outcome; nothing is raised."""


def json_request(url: str, body: object, headers: Mapping[str, str]) -> Request:
    return Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
