"""The balance of a user of Jasmin. docs/gateways/jasmin.md."""

from __future__ import annotations

from urllib.parse import urlencode

from ...domain.money import Amount
from ..answer import Answer, json_of
from ..jasmin import CAPABILITIES
from ..port import Options, Request
from .port import told


def request(options: Options, secret: str) -> Request:
    """Jasmin takes no POST here, so the password is in the address. Source: jasmin/protocols/http/endpoints."""
    username, password = CAPABILITIES.parts_of(secret)
    query = urlencode({"username": username, "password": password})
    return Request(f"{options.url}/balance?{query}", b"", method="GET")


def balance(answer: Answer) -> Amount | None:
    """`ND` for a user without a limit. Jasmin knows no currency."""
    return told(json_of(answer).get("balance")) if answer.status == 200 else None
