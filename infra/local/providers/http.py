"""Made-up providers that GATEWAY=http speaks to: docs/gateways/http.md. The first is the example of that page."""

from __future__ import annotations

import json
from pathlib import Path

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, Refused, digits_of, require

ADDRESS = "https://api.acme-sms.example"
PAGE = Path(__file__).parents[3] / "docs" / "gateways" / "http.md"
WRONG_NUMBER = "the number is wrong"
ACME = json.loads(PAGE.read_text().split("```json\n")[1].split("```")[0])
"""JSON with a bearer token, and codes in the body."""

TABLE = Table(
    Options(ADDRESS, ACME),
    "key",
    posts=(
        Expected(
            SMS,
            f"{ADDRESS}/v2/messages/m120000000345",
            r'{"messages": [{"to": 79774053329, "text": "\u0414\u0430 & \u043d\u0435\u0442", "from": "SHOP", '
            '"validity": {"minutes": 60}}], "test": false}',
            {"Authorization": "Bearer key", "Content-Type": "application/json"},
        ),
        Expected(
            PLAIN,
            f"{ADDRESS}/v2/messages/m120000000345",
            '{"messages": [{"to": 79774053329, "text": "Sale", "validity": {}}], "test": false}',
            {"Authorization": "Bearer key"},
        ),
    ),
    answers=(
        Case("the message has an id", 201, '{"messages": [{"id": "a1"}]}', Kind.ACCEPTED),
        Case("it has this id", 409, '{"error": {"code": "duplicate"}}', Kind.DUPLICATE),
        Case(WRONG_NUMBER, 422, '{"error": {"code": "bad_number"}}', Kind.PERMANENT),
        Case("the recipient has opted out", 422, '{"error": {"code": "stopped"}}', Kind.OPTED_OUT),
        Case("the sender is not allowed", 422, '{"error": {"code": "bad_sender"}}', Kind.SENDER),
        Case("another refusal", 422, '{"error": {"code": "other"}}', Kind.PERMANENT),
        Case("no money is left", 402, '{"error": {"code": "no_money"}}', Kind.BALANCE),
        Case("no money is left, in a success", 200, '{"error": {"code": "no_money"}}', Kind.BALANCE),
        Case("the key is wrong", 401, "", Kind.CREDENTIALS),
        Case("too fast", 429, "", Kind.THROTTLED, retry_after=10.0),
        Case("too fast, with a pause", 429, "", Kind.THROTTLED, retry_after=2.0, header="2"),
        Case("too fast, with a pause that cannot be read", 429, "", Kind.THROTTLED, retry_after=10.0, header="1.5 s"),
        Case("a pause for maintenance", 503, "<h1>Maintenance</h1>", Kind.TEMPORARY, retry_after=60.0),
        Case("another fault", 503, "<h1>Error</h1>", Kind.AMBIGUOUS),
        Case("a success without an id", 200, '{"messages": []}', Kind.AMBIGUOUS),
        Case("a success with an empty id", 200, '{"messages": [{"id": ""}]}', Kind.AMBIGUOUS),
        Case("a success that cannot be read", 200, "<html>", Kind.AMBIGUOUS),
        Case("a fault of a proxy", 502, "", Kind.AMBIGUOUS),
    ),
)


def read_post(post: Received) -> Sms:
    require(post.headers.get("Authorization") == f"Bearer {post.secret}", "the key is wrong")
    try:
        (message,) = post.json()["messages"]
        phone, text = message["to"], message["text"]
    except (LookupError, TypeError, ValueError):
        raise Refused("another refusal") from None
    minutes = message.get("validity", {}).get("minutes")
    lifetime = None if minutes is None else minutes * 60.0
    return Sms(int(post.path["id"]), digits_of(phone, WRONG_NUMBER), text, message.get("from", ""), lifetime)


def accept(_: Sms, number: int) -> str:
    return json.dumps({"messages": [{"id": f"a{number}"}]})


FORM = Form(
    r"/v2/messages/m{id:\d+}",
    read_post,
    accept,
    {
        "throttle": "too fast, with a pause",
        "error_rate": "another fault",
        "fail_for": "another fault",
        "garbage": "a success that cannot be read",
    },
)

ZENITH = {
    "fields": {"login": "{user}", "psw": "{password}", "dst": "{phone_plus}", "msg": "{text}", "src": "{sender}"},
    "answers": [
        {"matches": "^OK [0-9]+", "kind": "accepted"},
        {"matches": "^ERR (1|2)$", "kind": "credentials"},
        {"matches": "^ERR 3$", "kind": "balance"},
        {"matches": "^ERR [45]$", "kind": "permanent"},
    ],
}

BY_FORM = Table(
    Options("https://zenith.example/send.cgi", ZENITH),
    "anna:a&b:c",
    posts=(
        Expected(
            SMS,
            "https://zenith.example/send.cgi",
            "login=anna&psw=a%26b%3Ac&dst=%2B79774053329&msg=%D0%94%D0%B0+%26+%D0%BD%D0%B5%D1%82&src=SHOP",
            {"Content-Type": "application/x-www-form-urlencoded"},
        ),
        Expected(
            PLAIN,
            "https://zenith.example/send.cgi",
            "login=anna&psw=a%26b%3Ac&dst=%2B79774053329&msg=Sale",
        ),
    ),
    answers=(
        Case("the message is accepted", 200, "OK 4711", Kind.ACCEPTED),
        Case("the password is wrong", 200, "ERR 2", Kind.CREDENTIALS),
        Case("no money is left", 200, "ERR 3", Kind.BALANCE),
        Case("the number is wrong", 200, "ERR 5", Kind.PERMANENT),
        Case("a code that is not declared", 200, "ERR 9", Kind.AMBIGUOUS),
        Case("a success after a fault", 500, "OK 4711", Kind.AMBIGUOUS),
    ),
)

NADIR = {
    "method": "GET",
    "body": "query",
    "path": "/sms",
    "headers": {"Authorization": "Basic {basic}"},
    "fields": {"to": "{phone}", "text": "{text}", "ref": "{id}", "ttl": "{lifetime_seconds}"},
    "answers": [
        {"status": "2xx", "path": "result", "equals": 0, "kind": "accepted"},
        {"path": "result", "in": [1, 2], "kind": "permanent"},
        {"path": "result", "equals": -1, "kind": "credentials"},
    ],
}

BY_QUERY = Table(
    Options("https://nadir.example", NADIR),
    "anna:secret",
    posts=(
        Expected(
            SMS,
            "https://nadir.example/sms?to=79774053329&text=%D0%94%D0%B0+%26+%D0%BD%D0%B5%D1%82&ref=120000000345&ttl=3600",
            "",
            {"Authorization": "Basic YW5uYTpzZWNyZXQ="},
        ),
        Expected(PLAIN, "https://nadir.example/sms?to=79774053329&text=Sale&ref=120000000345", ""),
    ),
    answers=(
        Case("the message is accepted", 200, '{"result": "0"}', Kind.ACCEPTED),
        Case("the number is wrong", 200, '{"result": 2}', Kind.PERMANENT),
        Case("the password is wrong", 403, '{"result": -1}', Kind.CREDENTIALS),
        Case("false is not zero", 200, '{"result": false}', Kind.AMBIGUOUS),
        Case("no result", 200, "[]", Kind.AMBIGUOUS),
    ),
)
