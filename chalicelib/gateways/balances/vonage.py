"""The balance at Vonage. docs/gateways/vonage.md."""

from __future__ import annotations

from ...domain.money import Amount
from ..answer import Answer, json_of
from ..port import Options, Request, basic
from ..vonage import CAPABILITIES, CURRENCY
from .port import told


def request(options: Options, secret: str) -> Request:
    """Source: https://developer.vonage.com/account/code-snippets/account-balance"""
    CAPABILITIES.parts_of(secret)
    return Request(f"{options.url}/account/get-balance", b"", basic(secret), "GET")


def balance(answer: Answer) -> Amount | None:
    return told(json_of(answer).get("value"), CURRENCY) if answer.status == 200 else None
