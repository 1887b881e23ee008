"""Vonage: docs/gateways/vonage.md."""

from __future__ import annotations

import json

from chalicelib.domain.outcome import Kind
from chalicelib.domain.sms import count_parts
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, digits_of, lifetime_of, require

URL = "https://rest.nexmo.com/sms/json"
HEADERS = {
    "Authorization": "Basic YWJjZDEyMzQ6c2VjcmV0",
    "Content-Type": "application/x-www-form-urlencoded",
}


WRONG_NUMBER = "the number is wrong"


def part(status: str | int = "0", **fields: object) -> dict[str, object]:
    """An entry of the answer. Vonage writes numbers as text."""
    if status != "0":
        return {"to": "79774053329", "status": status, "error-text": "About 79774053329"}
    money = {"remaining-balance": "9.90000000", "message-price": "0.05000000", "network": "25001"}
    return {
        "to": "79774053329",
        "message-id": "0A00000000000001",
        "status": status,
        "client-ref": "120000000345",
        **money,
        **fields,
    }


def parts(*statuses: str | int) -> str:
    return answered(*(part(status) for status in statuses))


def answered(*entries: dict[str, object]) -> str:
    return json.dumps({"message-count": str(len(entries)), "messages": entries}, indent=4)


def refusals(kind: Kind, codes: dict[str, str]) -> tuple[Case, ...]:
    return tuple(Case(name, 200, parts(code), kind) for code, name in codes.items())


TABLE = Table(
    Options("https://rest.nexmo.com"),
    "abcd1234:secret",
    posts=(
        Expected(
            SMS,
            URL,
            "to=79774053329&text=%D0%94%D0%B0+%26+%D0%BD%D0%B5%D1%82&client-ref=120000000345&type=unicode&from=SHOP"
            "&ttl=3600000",
            HEADERS,
        ),
        Expected(PLAIN, URL, "to=79774053329&text=Sale&client-ref=120000000345", HEADERS),
    ),
    answers=(
        Case("the address is wrong", 404, "<html>Not Found</html>", Kind.SENDER),
        Case("the message is accepted", 200, parts("0"), Kind.ACCEPTED, parts=1, price="0.05 EUR"),
        Case("all parts are accepted", 200, parts("0", "0", "0"), Kind.ACCEPTED, parts=3, price="0.15 EUR"),
        Case(
            "all parts of the longest text are accepted",
            200,
            parts(*["0"] * 24),
            Kind.ACCEPTED,
            parts=24,
            price="1.2 EUR",
        ),
        Case(
            "a part has no price",
            200,
            answered(part(), part(**{"message-price": ""})),
            Kind.ACCEPTED,
            parts=2,
        ),
        Case("one part of several is refused", 200, parts("0", "9"), Kind.AMBIGUOUS),
        Case("the first part of several is refused", 200, parts("9", "0"), Kind.AMBIGUOUS),
        Case("all parts are refused", 200, parts("9", "9"), Kind.BALANCE),
        Case("a status as a number", 200, parts(4), Kind.CREDENTIALS),
        Case("too fast", 200, parts("1"), Kind.THROTTLED),
        Case("too fast, with a pause", 200, parts("1"), Kind.THROTTLED, retry_after=2.0, header="2"),
        Case("too many connections", 200, parts("10"), Kind.THROTTLED),
        Case("no money is left", 200, parts("9"), Kind.BALANCE),
        Case("the number gets nothing", 200, parts("7"), Kind.OPTED_OUT),
        Case("the recipient has left the programme", 200, parts("101"), Kind.OPTED_OUT),
        Case("an internal error", 200, parts("5"), Kind.AMBIGUOUS),
        Case("a communication failure", 200, parts("13"), Kind.AMBIGUOUS),
        Case("a status that is not documented", 200, parts("77"), Kind.AMBIGUOUS),
        *refusals(
            Kind.CREDENTIALS,
            {
                "4": "the key or the secret is wrong",
                "8": "the account is suspended",
                "11": "the account may not use this API",
                "14": "the signature is wrong",
            },
        ),
        *refusals(
            Kind.SENDER,
            {
                "15": "the sender is not allowed",
                "16": "the lifetime is refused",
                "19": "the account has no such facility",
                "29": "a demo account sends to its own numbers only",
            },
        ),
        *refusals(
            Kind.PERMANENT,
            {
                "2": "a parameter is missing",
                "3": "a parameter is wrong",
                "6": "there is no route to the number",
                "12": "the text is too long",
                "17": "the message is blocked",
                "22": "the network is wrong",
                "23": "the address for receipts is wrong",
                "32": "the message is refused without a detail",
                "33": "the number is not in use",
                "34": WRONG_NUMBER,
            },
        ),
        Case("no parts", 200, '{"message-count": "0", "messages": []}', Kind.AMBIGUOUS),
        Case("a part without a status", 200, '{"messages": [{"to": "79774053329"}]}', Kind.AMBIGUOUS),
        Case("a part that is no object", 200, '{"messages": ["0"]}', Kind.AMBIGUOUS),
        Case("an answer that is cut", 200, parts("0", "0")[:120], Kind.AMBIGUOUS),
        Case("a success with another status of HTTP", 202, parts("0"), Kind.AMBIGUOUS),
        Case("an accepted part in an error", 500, parts("0"), Kind.AMBIGUOUS),
        Case("wrong credentials by the status of HTTP", 401, parts("4"), Kind.CREDENTIALS),
        Case("wrong credentials without parts", 401, '{"title": "Unauthorized"}', Kind.CREDENTIALS),
        Case("a wrong form of the post", 400, "", Kind.PERMANENT),
        Case("too fast by the status of HTTP", 429, "", Kind.THROTTLED),
        Case("a fault of Vonage", 500, "<html>", Kind.AMBIGUOUS),
        Case("a fault of a proxy", 502, "", Kind.AMBIGUOUS),
    ),
)


def read_post(post: Received) -> Sms:
    require(post.basic() == post.secret, "the key or the secret is wrong")
    fields = post.form()
    require(all(fields.get(name) for name in ("to", "from", "text")), "a parameter is missing")
    number = fields.get("client-ref", "")
    require(number.isascii() and number.isdigit(), "a parameter is wrong")
    lifetime = lifetime_of(fields, "ttl", 0.001)
    return Sms(int(number), digits_of(fields["to"], WRONG_NUMBER), fields["text"], fields["from"], lifetime)


def accept(sms: Sms, number: int) -> str:
    of_message = {"to": sms.phone_number, "client-ref": str(sms.id), "message-id": f"{number:016X}"}
    return answered(*[part() | of_message] * count_parts(sms.text))


FORM = Form(
    "/sms/json",
    read_post,
    accept,
    {
        "unauthorized": "the key or the secret is wrong",
        "throttle": "too fast, with a pause",
        "no_balance": "no money is left",
        "error_rate": "a fault of Vonage",
        "refuse": WRONG_NUMBER,
        "fail_for": "a fault of Vonage",
        "garbage": "an answer that is cut",
    },
)
