"""MTS Exolve: docs/gateways/exolve.md."""

from __future__ import annotations

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Options

from .case import PLAIN, SMS, Case, Expected, Table

URL = "https://api.exolve.ru/messaging/v1/SendSMS"
HEADERS = {"Authorization": "Bearer key", "Content-Type": "application/json"}


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
        Case("the number is wrong", 400, error("incorrect number format"), Kind.PERMANENT),
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
