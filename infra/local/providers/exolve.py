"""MTS Exolve: docs/gateways/exolve.md."""

from __future__ import annotations

import json

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, content_id, digits_of, require

URL = "https://api.exolve.ru/messaging/v1/SendSMS"
HEADERS = {"Authorization": "Bearer key", "Content-Type": "application/json"}


WRONG_NUMBER = "the number is wrong"


def error(text: str) -> str:
    return f'{{"error": {{"message": "{text}", "details": []}}}}'


TABLE = Table(
    Options("https://api.exolve.ru"),
    "key",
    posts=(
        Expected(
            SMS,
            URL,
            r'{"number": "SHOP", "destination": "79774053329", "text": "\u0414\u0430 & \u043d\u0435\u0442"}',
            HEADERS,
        ),
        Expected(PLAIN, URL, '{"number": "", "destination": "79774053329", "text": "Sale"}', HEADERS),
    ),
    answers=(
        Case("the message is accepted", 200, '{"message_id": "100000000000000001"}', Kind.ACCEPTED),
        Case("it is accepted with an id that is a number", 200, '{"message_id": 100000000000000001}', Kind.ACCEPTED),
        Case(WRONG_NUMBER, 400, error("incorrect number format"), Kind.PERMANENT),
        Case("messages are not enabled", 400, error("sms is disabled on the application"), Kind.SENDER),
        Case("the error is a text", 400, '{"error": "sms is disabled on the application"}', Kind.SENDER),
        Case(
            "a trial account sends to its own number",
            400,
            error("customer has not signed, the number must match your confirmed phone number"),
            Kind.SENDER,
        ),
        Case("a refusal in unknown words", 400, error("79774053329 is not served"), Kind.PERMANENT),
        Case("a refusal that cannot be read", 400, "<html>", Kind.PERMANENT),
        Case("the key is wrong", 401, error("incorrect authorization token"), Kind.CREDENTIALS),
        Case("no money is left", 402, error("payment required"), Kind.BALANCE),
        Case("the key may not do that", 403, "", Kind.CREDENTIALS),
        Case("the address is wrong", 404, "404 page not found", Kind.SENDER),
        Case("too fast", 429, error("too many requests"), Kind.THROTTLED, retry_after=7.0, header="7"),
        Case("an error with 200", 200, error("79774053329 is not served"), Kind.AMBIGUOUS),
        Case("an error with an id", 200, '{"message_id": "1", "error": {"message": "late"}}', Kind.AMBIGUOUS),
        Case("a success without an id", 200, "{}", Kind.AMBIGUOUS),
        Case("a success that cannot be read", 200, "<html>", Kind.AMBIGUOUS),
        Case("another success than the documented one", 202, '{"message_id": "1"}', Kind.AMBIGUOUS),
        Case("a fault of Exolve", 500, error("internal"), Kind.AMBIGUOUS),
        Case("a proxy got no answer", 502, "", Kind.AMBIGUOUS),
        Case("Exolve is not available", 503, "", Kind.AMBIGUOUS),
        Case("a pause of Exolve", 503, "", Kind.TEMPORARY, retry_after=30.0, header="30"),
    ),
)


def read_post(post: Received) -> Sms:
    """Which answer a missing sender or text has is not known."""
    require(post.headers.get("Authorization") == f"Bearer {post.secret}", "the key is wrong")
    body = post.json()
    phone, text = digits_of(body.get("destination"), WRONG_NUMBER), body.get("text")
    require(isinstance(text, str) and text and body.get("number"), "a refusal in unknown words")
    return Sms(content_id(phone, text), phone, text, body["number"])


def accept(_: Sms, number: int) -> str:
    return json.dumps({"message_id": f"{10**17 + number}"})


FORM = Form(
    "/messaging/v1/SendSMS",
    read_post,
    accept,
    {
        "error_rate": "a fault of Exolve",
        "refuse": WRONG_NUMBER,
        "fail_for": "a fault of Exolve",
        "garbage": "a success that cannot be read",
    },
)
