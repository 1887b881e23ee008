"""The parts of a provider's table: posts as the provider documents them, and answers with their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Options, Sms

SMS = Sms(120000000345, "79774053329", "Да & нет", sender="SHOP", lifetime=3600.0)
PLAIN = Sms(120000000345, "79774053329", "Sale")
"""Without a sender and a lifetime, as a test message may be."""


@dataclass(frozen=True)
class Expected:
    """A post of this message as the provider's server gets it. `headers`: those that matter."""

    sms: Sms
    url: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """An answer of the provider, and what it means. `name`: a sentence about it.

    `retry_after`: seconds, of the outcome. `header`: the Retry-After header of the answer.
    `parts`: the SMS parts that it tells. `price`: what it tells about the price of the message, as `0.05 EUR`.
    """

    name: str
    status: int
    body: str
    kind: Kind
    retry_after: float | None = None
    header: str | None = None
    parts: int | None = None
    price: str = ""


@dataclass(frozen=True)
class Table:
    """`secret`: the value of GATEWAY_TOKEN with which `posts` were made."""

    options: Options
    secret: str
    posts: tuple[Expected, ...]
    answers: tuple[Case, ...]
