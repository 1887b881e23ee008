"""The balance at Infobip, as clients of others ask for it. docs/gateways/infobip.md."""

from __future__ import annotations

from ...domain.money import Amount
from ..answer import Answer, json_of
from ..port import Options, Request
from .port import told


def request(options: Options, secret: str) -> Request:
    headers = {"Authorization": f"App {secret}", "Accept": "application/json"}
    return Request(f"{options.url}/account/1/balance", b"", headers, "GET")


def balance(answer: Answer) -> Amount | None:
    body = json_of(answer)
    return told(body.get("balance"), body.get("currency")) if answer.status == 200 else None
