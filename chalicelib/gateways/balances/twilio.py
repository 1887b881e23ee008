"""The balance at Twilio. docs/gateways/twilio.md."""

from __future__ import annotations

from ...domain.money import Amount
from ..answer import Answer, json_of
from ..port import Options, Request, basic
from ..twilio import account_url
from .port import told


def request(options: Options, secret: str) -> Request:
    """Source: the description of Twilio's API in OpenAPI, FetchBalance."""
    return Request(f"{account_url(options, secret)}/Balance.json", b"", basic(secret), "GET")


def balance(answer: Answer) -> Amount | None:
    """A subaccount has none."""
    body = json_of(answer)
    return told(body.get("balance"), body.get("currency")) if answer.status == 200 else None
