"""The balance at SMS.ru. docs/gateways/smsru.md."""

from __future__ import annotations

from ...domain.money import Amount
from ..answer import Answer, json_of, whole_number
from ..port import Options, Request, form_request
from ..smsru import READ
from .port import told

CURRENCY = "RUB"


def request(options: Options, secret: str) -> Request:
    return form_request(f"{options.url}/my/balance", {"api_id": secret, "json": "1"})


def balance(answer: Answer) -> Amount | None:
    body = json_of(answer)
    is_told = answer.status == 200 and whole_number(body.get("status_code")) == READ
    return told(body.get("balance"), CURRENCY) if is_told else None
