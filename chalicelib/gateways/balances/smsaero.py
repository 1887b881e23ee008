"""The balance at SMS Aero, as its own clients ask for it. docs/gateways/smsaero.md."""

from __future__ import annotations

from ...domain.money import Amount
from ..answer import Answer, json_of
from ..port import Options, Request, basic, json_request
from ..smsaero import CAPABILITIES, CURRENCY
from .port import told


def request(options: Options, secret: str) -> Request:
    CAPABILITIES.parts_of(secret)
    return json_request(f"{options.url}/balance", {}, basic(secret))


def balance(answer: Answer) -> Amount | None:
    body = json_of(answer)
    data = body.get("data")
    is_told = answer.status == 200 and body.get("success") is True
    return told(data.get("balance"), CURRENCY) if is_told and isinstance(data, dict) else None
