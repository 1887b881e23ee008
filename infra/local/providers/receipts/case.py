"""The parts of a provider's table of delivery receipts: its calls, genuine or not, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from chalicelib.domain.inbound import Inbound
from chalicelib.domain.receipt import Receipt
from chalicelib.gateways.callback import Callback
from chalicelib.gateways.receipts.port import Call, Keys, Reports

RECEIPTS_URL = "https://sms.example.com/Receipts"
SECRET = "0123456789abcdef"  # noqa: S105
MESSAGE_ID = 120000000345
PHONE = "79774053329"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"

Fields = Mapping[str, str]


@dataclass(frozen=True)
class ReceiptCase:
    """`name`: a sentence about the call. `means`: what is believed; None: the call is refused."""

    name: str
    call: Call
    means: Reports | None


@dataclass(frozen=True)
class ReceiptTable:
    """`keys`: the secrets with which the calls are checked. `settings`: those of the service besides GATEWAY."""

    keys: Keys
    cases: tuple[ReceiptCase, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AskedCase:
    """An answer to a question about messages, and what is believed; None: it is no answer."""

    name: str
    status: int | None
    body: str
    means: Reports | None


@dataclass(frozen=True)
class AskedTable:
    """`names`: the provider's ids of MESSAGE_ID and the next one. `url`, `body`: of the question about them."""

    names: tuple[str, ...]
    url: str
    body: str
    cases: tuple[AskedCase, ...]


class _Secret:
    def value(self) -> str:
        return SECRET

    def expire(self) -> None: ...


def address(gateway: str) -> str:
    """The address for the account, with the secret."""
    return f"{RECEIPTS_URL}/{gateway}/{SECRET}"


def address_of(gateway: str, message_id: int = MESSAGE_ID) -> str:
    """The address for one message."""
    return Callback(RECEIPTS_URL, gateway, _Secret())(message_id)


def post(url: str, fields: Fields, headers: Mapping[str, str] | None = None) -> Call:
    """A form to this address, which may have a query."""
    path, _, query = url.partition("?")
    known = {"content-type": FORM, **(headers or {})}
    return Call("POST", path, tuple(parse_qsl(query)), known, urlencode(fields).encode())


def get(url: str, fields: Fields) -> Call:
    path, _, query = url.partition("?")
    return Call("GET", path, (*parse_qsl(query), *fields.items()))


def delivered(message_id: int = MESSAGE_ID) -> Reports:
    return Reports((Receipt(message_id, "delivered", NOW),))


def said(text: str, phone_number: str = PHONE) -> Reports:
    return Reports(inbound=(Inbound(phone_number, text),))


def undelivered(reason: str, message_id: int = MESSAGE_ID) -> Reports:
    return Reports((Receipt(message_id, "undelivered", NOW, reason),))
