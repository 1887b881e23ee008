"""Several gateways: GATEWAYS, a list in JSON in the order in which a message tries them.

Each has a `name`, and any of `gateway` (the provider, the name by default), `url`, `sender`, `options`, `dedupes`,
`refuses_by_code`, `rate`, `spare`, `price` (of one SMS part), `balance_alarm` and `codes`, the operator codes that it
serves: "900-919,977".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from ..domain.money import read_amount, read_level
from ..domain.sms import SENDER
from .port import Capabilities, Options
from .registry import NAMES, provider

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,19}")
RANGE = re.compile(r"(9[0-9]{2})(?:-(9[0-9]{2}))?")
FIELDS = {
    "name",
    "gateway",
    "url",
    "sender",
    "options",
    "dedupes",
    "refuses_by_code",
    "rate",
    "spare",
    "price",
    "codes",
    "balance_alarm",
}
MOST = 10
CONTRACT = "contract"


@dataclass(frozen=True)
class Configured:
    """One gateway. `name`: of its secret and in the rows of messages. `codes`: those that it serves; none: all.

    `price`: of one SMS part, as in domain/money.py; None: GATEWAY_PRICE. `spare`: it takes only what others do not.
    `balance_alarm`: None: BALANCE_ALARM.
    """

    name: str
    provider: str
    url: str
    sender: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    refuses_by_code: bool = False
    dedupes: bool = False
    rate: float | None = None
    codes: frozenset[str] = frozenset()
    price: int | None = None
    spare: bool = False
    balance_alarm: int | None = None

    @property
    def capabilities(self) -> Capabilities:
        return provider(self.provider).CAPABILITIES

    @cached_property
    def address(self) -> str:
        """A short digest of its URL, by which rows of messages tell it from a gateway of this name at another URL."""
        return sha256(self.url.encode()).hexdigest()[:8]

    @property
    def adapter_options(self) -> Options:
        return Options(self.url, self.options, self.refuses_by_code)


def read_gateways(text: str) -> tuple[Configured, ...]:
    """Raises ValueError with the place of the first mistake: `[1].codes: ...`."""
    try:
        items = json.loads(text)
    except ValueError as error:
        raise ValueError("a list in JSON is expected") from error
    if not isinstance(items, list) or not 0 < len(items) <= MOST:
        raise ValueError(f"a list of 1 to {MOST} gateways in JSON is expected")
    gateways = tuple(_Item(number, item).read() for number, item in enumerate(items))
    names = [one.name for one in gateways]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two gateways have the name {min(doubled)}")
    if all(one.codes or one.spare for one in gateways):
        raise ValueError("a gateway without codes, and not spare, is expected for the numbers that no other one serves")
    return gateways


class _Item:
    def __init__(self, number: int, item: object) -> None:
        self._number = number
        self._item: dict[str, Any] = item if isinstance(item, dict) else {}
        if not isinstance(item, dict):
            raise self._wrong("", "an object is expected")

    def read(self) -> Configured:
        if unknown := set(self._item) - FIELDS:
            raise self._wrong(min(unknown), f"there is no such setting; known are {', '.join(sorted(FIELDS))}")
        name = self._text("name", NAME, "a name of small letters and digits is expected, such as smsc")
        chosen = self._item.get("gateway", name)
        if chosen not in NAMES:
            raise self._wrong("gateway", f"one of {', '.join(NAMES)} is expected")
        can = provider(chosen).CAPABILITIES
        return Configured(
            name,
            chosen,
            self._url(can),
            self._sender(can),
            self._options(can),
            refuses_by_code=self._refuses_by_code(chosen),
            dedupes=self._dedupes(can),
            rate=self._rate(can),
            codes=self._codes(),
            price=self._amount("price", read_amount),
            spare=self._flag("spare", default=False),
            balance_alarm=self._amount("balance_alarm", read_level),
        )

    def _wrong(self, name: str, expected: str) -> ValueError:
        return ValueError(f"[{self._number}]{'.' if name else ''}{name}: {expected}")

    def _text(self, name: str, pattern: re.Pattern[str], expected: str) -> str:
        value = self._item.get(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self._wrong(name, expected)
        return value

    def _url(self, can: Capabilities) -> str:
        url = self._item.get("url", can.url)
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise self._wrong("url", "an address such as https://sms.example.com is expected")
        return url.rstrip("/")

    def _sender(self, can: Capabilities) -> str:
        if "sender" not in self._item and not can.needs_sender:
            return ""
        return self._text("sender", SENDER, "a name or number that the provider allows is expected, such as SHOP")

    def _options(self, can: Capabilities) -> Mapping[str, Any]:
        options = self._item.get("options", {})
        if not isinstance(options, dict):
            raise self._wrong("options", "an object is expected")
        if unknown := options.keys() - set(can.options):
            raise self._wrong(f"options.{min(unknown)}", f"known are {', '.join(can.options) or 'none'}")
        return options

    def _flag(self, name: str, default: bool) -> bool:
        value = self._item.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false is expected")
        return value

    def _refuses_by_code(self, chosen: str) -> bool:
        refuses = self._flag("refuses_by_code", default=False)
        if refuses and chosen != CONTRACT:
            raise self._wrong("refuses_by_code", f"it is a setting of the gateway {CONTRACT} only")
        return refuses

    def _dedupes(self, can: Capabilities) -> bool:
        dedupes = self._flag("dedupes", bool(can.dedupes))
        if dedupes and can.dedupes is False:
            raise self._wrong("dedupes", "this provider does not detect a repeated message id")
        return dedupes

    def _rate(self, can: Capabilities) -> float | None:
        rate = self._item.get("rate", can.rate)
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < 1e6):
            raise self._wrong("rate", "a number of messages a second is expected")
        return None if rate is None else float(rate)

    def _amount(self, name: str, read: Callable[[str], int]) -> int | None:
        amount = self._item.get(name)
        try:
            return None if amount is None else read(str(amount))
        except ValueError as error:
            raise self._wrong(name, str(error)) from error

    def _codes(self) -> frozenset[str]:
        text = self._item.get("codes", "")
        expected = "operator codes and ranges are expected, such as 900-919,977"
        if not isinstance(text, str):
            raise self._wrong("codes", expected)
        codes: set[str] = set()
        for part in filter(None, (part.strip() for part in text.split(","))):
            found = RANGE.fullmatch(part)
            if found is None:
                raise self._wrong("codes", expected)
            first, last = int(found[1]), int(found[2] or found[1])
            if first > last:
                raise self._wrong("codes", expected)
            codes |= {str(code) for code in range(first, last + 1)}
        return frozenset(codes)
