"""What the API needs of a provider's delivery receipts: whether a call is genuine, what it reports, and the answer."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qsl

from ...domain.inbound import Inbound
from ...domain.message import UNDELIVERED
from ...domain.receipt import Receipt
from ..answer import MAX_SHOWN_DIGITS, SHOWN_CODE, Answer
from ..callback import message_key, path_secret
from ..port import Options, Request

ID = "id"
"""The query parameter of a `Callback` with the message id."""

LONGEST_ID = 19
"""Digits of an int64."""


@dataclass(frozen=True)
class Call:
    """A request of the provider. `url`: as the provider called it, without the query. `headers`: names in lower case.

    `query`: decoded, in the order of the call.
    """

    method: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def form(self) -> tuple[tuple[str, str], ...]:
        """The fields of the body as a form, with bad UTF-8 replaced."""
        return tuple(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace"))

    @cached_property
    def fields(self) -> dict[str, str]:
        """The form, or the query of a GET. Of a repeated field the last value."""
        return dict(self.form if self.method == "POST" else self.query)

    @cached_property
    def json(self) -> dict[str, Any]:
        """The object in the body; empty if there is none."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def message_id(self) -> str:
        """Of a `Callback`. Empty if the call has none."""
        return dict(self.query).get(ID, "")


@dataclass(frozen=True)
class Keys:
    """`stored`: /<stack>/receipts-secret. `token`: GATEWAY_TOKEN. `gateway`: its name, if there are several."""

    stored: str
    token: str = ""
    gateway: str = ""

    @property
    def signature(self) -> str:
        """The provider's signature secret, of several gateways as `name=secret`. Empty if none is stored."""
        signatures = self.stored.partition(":")[2]
        if not self.gateway:
            return signatures
        named = dict(one.partition("=")[::2] for one in signatures.split())
        return named.get(self.gateway, "")

    def of_account(self, key: str) -> bool:
        """Whether the key in the path is the secret."""
        expected = path_secret(self.stored)
        return same(key, expected) and expected != ""

    def of_message(self, key: str, gateway: str, call: Call) -> bool:
        """Whether it is the key of the message that the query names."""
        return same(key, message_key(self.stored, gateway, call.message_id)) and path_secret(self.stored) != ""


@dataclass(frozen=True)
class Reports:
    """`ignored`: reports that cannot be read, or whose status is not known.

    `refusing`: phone numbers of recipients that refuse messages, which the provider knows from elsewhere. Only a
    provider that signs each call may name them.
    """

    receipts: tuple[Receipt, ...] = ()
    inbound: tuple[Inbound, ...] = ()
    refusing: tuple[str, ...] = ()
    ignored: int = 0

    def __add__(self, other: Reports) -> Reports:
        return Reports(
            self.receipts + other.receipts,
            self.inbound + other.inbound,
            self.refusing + other.refusing,
            self.ignored + other.ignored,
        )

    def about(self, message_id: str) -> Reports:
        """What the key of one message may report: nothing about another message, and no inbound message."""
        receipts = tuple(receipt for receipt in self.receipts if str(receipt.message_id) == message_id)
        others = len(self.receipts) - len(receipts) + len(self.inbound)
        return replace(self, receipts=receipts, inbound=(), ignored=self.ignored + others)


NOTHING = Reports()
IGNORED = Reports(ignored=1)


@dataclass(frozen=True)
class Acknowledgement:
    """What a provider needs as an answer, or it repeats the call."""

    body: str = ""
    content_type: str = "text/plain"


class ReceiptForm(Protocol):
    """A module of this package."""

    ACKNOWLEDGEMENT: Acknowledgement

    def verify(self, call: Call, keys: Keys) -> bool:
        """Whether the provider's signature is right. Raises nothing, whatever the call contains."""

    def read(self, call: Call, now: datetime) -> Reports:
        """Raises nothing, whatever the call contains. `now`: the time of the receipts."""


class AskedForm(Protocol):
    """A module of this package, of a provider that is asked. `MOST`: messages in one call."""

    MOST: int

    def request(self, options: Options, secret: str, names: Sequence[str]) -> Request:
        """`names`: the provider's ids of the messages."""

    def read(self, answer: Answer, asked: Mapping[str, int], now: datetime) -> Reports | None:
        """None for an answer that cannot be read. Raises nothing. `asked`: the provider's ids, with ours."""


def same(one: str, other: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def report(
    message_id: object, status: object, statuses: Mapping[str, str | None], now: datetime, *said: object
) -> Reports:
    """One report. `statuses`: delivered, undelivered, or None for one that changes nothing, by the provider's status.

    `said`: the words of the provider about a message that is not delivered. Its texts are left out.
    """
    number = number_of(message_id)
    if not isinstance(status, str) or status not in statuses or number is None:
        return IGNORED
    meaning = statuses[status]
    if meaning is None:
        return NOTHING
    return Reports((Receipt(number, meaning, now, _reason(status, *said) if meaning == UNDELIVERED else ""),))


def inbound(phone_number: object, text: object) -> Reports:
    if not isinstance(phone_number, str) or not isinstance(text, str):
        return IGNORED
    return Reports(inbound=(Inbound(phone_number, text),))


def number_of(message_id: object) -> int | None:
    """The message id in a text of digits. None if it is none."""
    if not isinstance(message_id, str) or not message_id.isascii() or not message_id.isdigit():
        return None
    return int(message_id) if len(message_id) <= LONGEST_ID else None


def _reason(*said: object) -> str:
    """The words that can hold neither a phone number nor a text."""
    words = [str(word) for word in said if isinstance(word, str | int) and SHOWN_CODE.fullmatch(str(word))]
    return " ".join(word for word in words if sum(map(str.isdigit, word)) <= MAX_SHOWN_DIGITS)
