"""The port: what the service needs of a gateway, and what an adapter says about its provider."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from ..domain.outcome import Outcome
from ..errors import BadSettings
from .answer import Answer


@dataclass(frozen=True)
class Capabilities:
    """What a provider does and needs. docs/GATEWAYS.md says which of it is confirmed.

    `dedupes`: it accepts a repeated message id once; None: GATEWAY_DEDUPES says so, and without it, it does not.
    `url`: its address; empty: GATEWAY_URL names it. `key_form`: the parts of GATEWAY_TOKEN, joined by colons; empty: it
    needs none. `takes_sender`: a message can have a sender. `needs_sender`: it sends nothing without GATEWAY_SENDER.
    `rate`: the messages per second that it accepts if nothing else is agreed. `options`: the names in GATEWAY_OPTIONS.
    `calls_back`: a post can have an address for the receipts of its message.
    """

    dedupes: bool | None = False
    url: str = ""
    key_form: str = "KEY"
    takes_sender: bool = True
    needs_sender: bool = False
    rate: float | None = None
    options: tuple[str, ...] = ()
    calls_back: bool = False

    def parts_of(self, secret: str) -> list[str]:
        """The parts of a secret; the last one may contain colons. Raises BadSettings, without the secret."""
        names = self.key_form.split(":")
        parts = secret.split(":", len(names) - 1)
        if len(parts) < len(names) or not all(parts):
            raise BadSettings(f"GATEWAY_TOKEN: {self.key_form} is expected")
        return parts


@dataclass(frozen=True)
class Options:
    """What an adapter is made from. `values`: GATEWAY_OPTIONS. `refuses_by_code`: GATEWAY_REFUSES_BY_CODE.

    `callback`: the address for the receipts of the message with an id; None: no receipts are wanted. `stack_name`:
    tells the receipts of this stack from those of another one in the same account.
    """

    url: str
    values: Mapping[str, Any] = field(default_factory=dict)
    refuses_by_code: bool = False
    callback: Callable[[int], str] | None = None
    stack_name: str = ""


@dataclass(frozen=True, slots=True)
class Sms:
    """`id`: the same on every attempt, an int64. `phone_number`: digits, the country first, without a plus.

    `sender`: the name or number that the recipient sees; empty: the provider's own choice. `lifetime`: seconds until
    the mailing ends, after which nobody may get the message; None for a test message.
    """

    id: int
    phone_number: str
    text: str
    sender: str = ""
    lifetime: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A post over HTTP. `method`: GET for a provider that takes nothing else."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


class Secret(Protocol):
    """The gateway's secret. `expire`: it was refused, so it may have changed."""

    def value(self) -> str: ...

    def expire(self) -> None: ...


class Adapter(Protocol):
    """How a message becomes a request to one provider over HTTP, and how its answer becomes an outcome."""

    def request(self, sms: Sms, secret: str) -> Request:
        """Raises BadSettings if `secret` has not the form that the capabilities name: no message fails for it."""

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """Raises nothing, whatever the answer contains."""


class Provider(Protocol):
    """A module of this package."""

    CAPABILITIES: Capabilities

    def make_adapter(self, options: Options) -> Adapter:
        """Raises BadSettings if GATEWAY_OPTIONS is not what the provider needs."""


class Gateway(Protocol):
    """Threads share it."""

    def prepare(self) -> None:
        """Called before a message is claimed, so that an error here costs no attempt. Raises any error."""

    def post(self, sms: Sms, timeout: float) -> Outcome:
        """Post once, for at most `timeout` seconds. Errors become an outcome; nothing is raised."""


def json_request(url: str, body: object, headers: Mapping[str, str]) -> Request:
    return Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})


def form_request(url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Request:
    content_type = "application/x-www-form-urlencoded"
    return Request(url, urlencode(fields).encode(), {"Content-Type": content_type, **(headers or {})})


def basic(secret: str) -> dict[str, str]:
    """`secret`: the user and the password, with a colon between them (RFC 7617)."""
    return {"Authorization": "Basic " + b64encode(secret.encode()).decode()}


def whole_lifetime(lifetime: float | None, unit: float, least: int, most: int) -> int | None:
    """In units of so many seconds, rounded up so that nothing ends early; None without a lifetime."""
    return None if lifetime is None else max(least, min(most, -int(-lifetime // unit)))
