"""SMSC.ru: docs/gateways/smsc.md."""

from __future__ import annotations

import json

from chalicelib.domain.outcome import Kind
from chalicelib.domain.sms import count_parts
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, digits_of, lifetime_of, require

URL = "https://smsc.ru/sys/send.php"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def error(code: int | str, text: str, more: str = "") -> str:
    return f'{{"error": "{text}", "error_code": {code}{more}}}'


WRONG, WRONG_NUMBER = "the parameters are wrong", "the number is wrong"
WITH_ID = ', "id": "m120000000345"'

TABLE = Table(
    Options("https://smsc.ru"),
    "demo:se:cret",
    posts=(
        Expected(
            SMS,
            URL,
            "login=demo&psw=se%3Acret&phones=%2B79774053329&mes=%D0%94%D0%B0+%26+%D0%BD%D0%B5%D1%82"
            "&id=m120000000345&charset=utf-8&fmt=3&sender=SHOP&valid=1",
            HEADERS,
        ),
        Expected(
            PLAIN,
            URL,
            "login=demo&psw=se%3Acret&phones=%2B79774053329&mes=Sale&id=m120000000345&charset=utf-8&fmt=3",
            HEADERS,
        ),
    ),
    answers=(
        Case("the address is wrong", 404, "<html>Not Found</html>", Kind.SENDER),
        Case("the message is accepted", 200, '{"id": "m120000000345", "cnt": 1}', Kind.ACCEPTED, parts=1),
        Case("it is accepted with the number of another id", 200, '{"id": 33, "cnt": 2}', Kind.ACCEPTED, parts=2),
        Case("it is accepted without a number of parts", 200, '{"id": "m120000000345"}', Kind.ACCEPTED),
        Case(WRONG, 200, error(1, "parameters error"), Kind.PERMANENT),
        Case("the login is wrong", 200, error(2, "authorise error"), Kind.CREDENTIALS),
        Case("the login is wrong, with the code in quotes", 200, error('"2"', "authorise error"), Kind.CREDENTIALS),
        Case("no money is left", 200, error(3, "no money", WITH_ID), Kind.BALANCE),
        Case("the address is blocked for a while", 200, error(4, "IP is blocked"), Kind.THROTTLED, retry_after=300.0),
        Case("the date is wrong", 200, error(5, "invalid date"), Kind.PERMANENT),
        Case("the text or the sender is forbidden", 200, error(6, "message is denied", WITH_ID), Kind.SENDER),
        Case(WRONG_NUMBER, 200, error(7, "invalid number", WITH_ID), Kind.PERMANENT),
        Case("the number cannot be reached", 200, error(8, "can't to deliver", WITH_ID), Kind.PERMANENT),
        Case(
            "the same request twice, or too many at a time",
            200,
            error(9, "duplicate request, wait a minute"),
            Kind.THROTTLED,
            retry_after=60.0,
        ),
        Case("a code of SMSC with another status", 400, error(7, "invalid number"), Kind.PERMANENT),
        Case("a code of SMSC with a fault", 500, error(3, "no money"), Kind.AMBIGUOUS),
        Case("a code of a proxy", 429, error(1015, "rate limited"), Kind.THROTTLED),
        Case("a code that SMSC has added since", 200, error(10, "new"), Kind.AMBIGUOUS),
        Case("an error without a code", 200, '{"error": "79774053329", "id": "m1"}', Kind.AMBIGUOUS),
        Case("a success without an id", 200, '{"cnt": 1}', Kind.AMBIGUOUS),
        Case("a page instead of an answer", 200, "<html>79774053329</html>", Kind.AMBIGUOUS),
        Case("another success than the documented one", 201, '{"id": "m120000000345", "cnt": 1}', Kind.AMBIGUOUS),
        Case("a 401 of a proxy", 401, "", Kind.CREDENTIALS),
        Case("a 429 of a proxy", 429, "", Kind.THROTTLED),
        Case("a fault of SMSC", 500, "<html>", Kind.AMBIGUOUS),
        Case("a proxy got no answer", 502, "", Kind.AMBIGUOUS),
        Case("a pause of SMSC", 503, "", Kind.TEMPORARY, retry_after=30.0, header="30"),
    ),
)


def read_post(post: Received) -> Sms:
    """It refuses no repeated request, as SMSC does within a minute: a repetition is to be seen."""
    login, _, password = post.secret.partition(":")
    fields = post.form()
    require((fields.get("login"), fields.get("psw")) == (login, password), "the login is wrong")
    require(fields.get("phones") and fields.get("mes"), WRONG)
    require((fields.get("charset"), fields.get("fmt")) == ("utf-8", "3"), WRONG)
    number = fields.get("id", "").removeprefix("m")
    require(number.isascii() and number.isdigit(), WRONG)
    phone = digits_of(fields["phones"], WRONG_NUMBER, "+")
    lifetime = lifetime_of(fields, "valid", 3600)
    return Sms(int(number), phone, fields["mes"], fields.get("sender", ""), lifetime)


def accept(sms: Sms, _: int) -> str:
    """With the cost, as if each post asked for it."""
    parts = count_parts(sms.text)
    return json.dumps({"id": f"m{sms.id}", "cnt": parts, "cost": f"{2.5 * parts:.2f}"})


FORM = Form(
    "/sys/send.php",
    read_post,
    accept,
    {
        "throttle": "the same request twice, or too many at a time",
        "error_rate": "a fault of SMSC",
        "refuse": WRONG_NUMBER,
        "fail_for": "a fault of SMSC",
        "garbage": "a page instead of an answer",
    },
)
