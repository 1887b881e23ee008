"""The balance at SMSC.ru. docs/gateways/smsc.md."""

from __future__ import annotations

from ...domain.money import Amount
from ..answer import Answer, json_of
from ..port import Options, Request, form_request
from ..smsc import CAPABILITIES
from .port import told


def request(options: Options, secret: str) -> Request:
    """With its currency (`cur`). Source: https://smsc.ru/api/http/balance/"""
    login, password = CAPABILITIES.parts_of(secret)
    fields = {"login": login, "psw": password, "cur": "1", "fmt": "3"}
    return form_request(f"{options.url}/sys/balance.php", fields)


def balance(answer: Answer) -> Amount | None:
    """An error has a code and no balance, also with status 200."""
    body = json_of(answer)
    return told(body.get("balance"), body.get("currency")) if answer.status == 200 else None
