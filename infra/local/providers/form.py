"""The form of a provider: how its server reads a post and accepts it. All its other answers are in its table."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from chalicelib.gateways.port import Sms

FEWEST_DIGITS, MOST_DIGITS = 7, 15
"""Of a phone number with its country (E.164)."""


class Refused(Exception):
    """The post gets the answer of this name in the provider's table."""


@dataclass(frozen=True)
class Received:
    """A post as it arrives. `path`: the named parts of its path. `secret`: what GATEWAY_TOKEN should be."""

    path: Mapping[str, str]
    headers: Mapping[str, str]
    body: str
    secret: str

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """The object in the body; empty if there is none."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    def basic(self) -> str:
        """`user:password` of the header Authorization; empty if there is none."""
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            return b64decode(encoded).decode() if scheme == "Basic" else ""
        except ValueError:
            return ""


@dataclass(frozen=True)
class Questions:
    """Of a provider that is asked what became of messages. `path`: of the questions.

    `answer`: the body of the answer, from the statuses of messages by their numbers: delivered, undelivered or empty.
    """

    path: str
    answer: Callable[[Received, Mapping[int, str]], str]


@dataclass(frozen=True)
class Form:
    """`path`: of the posts, with its variable parts in braces.

    `read`: the message in a post. Its id is that of the post, or `content_id`. Raises Refused.
    `accept`: the body of the answer that accepts a message; the number is that of the acceptance, from 1.
    `answers`: by behaviour (behaviour.KINDS), the name of the answer in the table, if it is not the first of its kind.
    `address`: that for receipts in a post, empty without one; None: they go to the address of the account.
    `questions`: None if it is not asked for them.
    """

    path: str
    read: Callable[[Received], Sms]
    accept: Callable[[Sms, int], str]
    answers: Mapping[str, str] = field(default_factory=dict)
    address: Callable[[Received], str] | None = None
    questions: Questions | None = None


def require(condition: object, answer: str) -> None:
    """Raises Refused with the name of this answer unless the condition is true."""
    if not condition:
        raise Refused(answer)


def digits_of(phone: object, answer: str, prefix: str = "") -> str:
    """The digits of a phone number with this prefix. Raises Refused with the name of this answer if it is none."""
    text = str(phone)
    digits = text.removeprefix(prefix)
    require(text.startswith(prefix) and digits.isascii() and digits.isdigit(), answer)
    require(FEWEST_DIGITS <= len(digits) <= MOST_DIGITS, answer)
    return digits


def content_id(phone: str, text: str) -> int:
    """A number for a message without an id: the same phone number and text have the same. Below 2**48."""
    return int.from_bytes(sha256(f"{phone}\n{text}".encode()).digest()[:6])


def lifetime_of(fields: Mapping[str, Any], name: str, unit: float) -> float | None:
    """In seconds, of a field in units of so many seconds; None without the field."""
    return int(fields[name]) * unit if name in fields else None
