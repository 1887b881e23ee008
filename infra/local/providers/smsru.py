"""SMS.ru: docs/gateways/smsru.md."""

from __future__ import annotations

import json
from collections.abc import Mapping

from chalicelib.domain.message import DELIVERED, UNDELIVERED
from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Questions, Received, content_id, digits_of, lifetime_of, require

URL = "https://sms.ru/sms/send"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


WRONG_NUMBER = "the number is wrong"


def read(code: object, phone: str = "79774053329", **fields: object) -> str:
    """The request was read, and the message has this code."""
    message = {"status": "OK" if code == 100 else "ERROR", "status_code": code, **fields}
    return json.dumps({"status": "OK", "status_code": 100, "sms": {phone: message}, "balance": 97.5})


def unread(code: object) -> str:
    return json.dumps({"status": "ERROR", "status_code": code, "status_text": "About 79774053329"})


def refusals(kind: Kind, codes: dict[int, str]) -> tuple[Case, ...]:
    return tuple(Case(name, 200, read(code, status_text="79774053329"), kind) for code, name in codes.items())


TABLE = Table(
    Options("https://sms.ru"),
    "00000000-0000-0000-0000-000000000000",
    posts=(
        Expected(
            SMS,
            URL,
            "api_id=00000000-0000-0000-0000-000000000000&to=79774053329&msg=%D0%94%D0%B0+%26+%D0%BD%D0%B5%D1%82"
            "&json=1&from=SHOP&ttl=60",
            HEADERS,
        ),
        Expected(PLAIN, URL, "api_id=00000000-0000-0000-0000-000000000000&to=79774053329&msg=Sale&json=1", HEADERS),
    ),
    answers=(
        Case("the address is wrong", 404, "<html>Not Found</html>", Kind.SENDER),
        Case("the message is accepted", 200, read(100, sms_id="000000-10000001"), Kind.ACCEPTED),
        Case("it is accepted, with the code in quotes", 200, read("100", sms_id="000000-10000001"), Kind.ACCEPTED),
        Case("it is on its way to the operator", 200, read(101), Kind.ACCEPTED),
        Case("it is on its way to the recipient", 200, read(102), Kind.ACCEPTED),
        Case("the key is wrong", 200, unread(200), Kind.CREDENTIALS),
        Case("the token is too old", 200, unread(300), Kind.CREDENTIALS),
        Case("the password is wrong", 200, unread(301), Kind.CREDENTIALS),
        Case("the account is not confirmed", 200, unread(302), Kind.CREDENTIALS),
        Case("no money is left, for the request", 200, unread(201), Kind.BALANCE),
        Case("there is no such method", 200, unread(211), Kind.SENDER),
        Case("SMS.ru is not available", 200, unread(220), Kind.TEMPORARY),
        Case("SMS.ru is not available, for a time", 200, unread(220), Kind.TEMPORARY, retry_after=7.0, header="7"),
        Case("a fault of SMS.ru", 200, unread(500), Kind.AMBIGUOUS),
        Case("the sender is not approved, for the request", 200, unread(204), Kind.SENDER),
        *refusals(
            Kind.PERMANENT,
            {
                150: "no route to the number",
                202: WRONG_NUMBER,
                203: "there is no text",
                205: "the text has more than eight parts",
                207: "no messages to this number",
                208: "the time is wrong",
                210: "a GET instead of a POST",
                212: "the text is not in UTF-8",
                213: "too many numbers",
                214: "the number is abroad",
                216: "a forbidden word in the text",
                217: "an advertisement of a loan without the words that the law demands",
                230: "too many messages to this number today",
                231: "the same text to this number within a minute",
                232: "the same text to this number within a day",
                233: "too many codes to this number",
                303: "the code of a confirmation is wrong",
                304: "too many codes of confirmations",
                305: "too many wrong codes of confirmations",
            },
        ),
        *refusals(Kind.OPTED_OUT, {209: "the account's own stop list", 215: "the stop list of SMS.ru"}),
        *refusals(
            Kind.SENDER,
            {
                204: "the sender is not approved",
                221: "the account needs a sender name of its own",
                550: "the account's settings block the country",
            },
        ),
        *refusals(
            Kind.BALANCE,
            {
                201: "no money is left",
                206: "the daily limit of the account is reached",
                501: "a limit for addresses of Tor",
                502: "a limit for addresses of other countries",
                503: "a limit for this country",
                504: "a limit for codes to other countries",
                505: "a limit for one address",
                506: "a limit for addresses of hosting companies",
                507: "the address of the user is wrong",
                508: "a limit for calls",
            },
        ),
        Case("a code of SMS.ru with another status", 403, unread(201), Kind.BALANCE),
        Case("a code of SMS.ru with a fault", 500, unread(220), Kind.AMBIGUOUS),
        Case("a code of a proxy", 429, unread(1015), Kind.THROTTLED),
        Case("a success with another status", 500, read(100), Kind.AMBIGUOUS),
        Case("a code that SMS.ru has added since", 200, read(240), Kind.AMBIGUOUS),
        Case("a code of delivery", 200, read(104), Kind.AMBIGUOUS),
        Case("a message without a code", 200, read(None), Kind.AMBIGUOUS),
        Case("an answer about no message", 200, '{"status": "OK", "status_code": 100, "sms": []}', Kind.AMBIGUOUS),
        Case("an answer about nothing", 200, '{"status": "OK", "status_code": 100}', Kind.AMBIGUOUS),
        Case("a message that is no object", 200, '{"status_code": 100, "sms": {"79774053329": 100}}', Kind.AMBIGUOUS),
        Case(
            "an answer about two messages",
            200,
            '{"status_code": 100, "sms": {"79774053329": {"status_code": 100}, "79774053320": {"status_code": 202}}}',
            Kind.AMBIGUOUS,
        ),
        Case("the answer of the API without JSON", 200, "100\n000000-10000001\nbalance=97.5", Kind.AMBIGUOUS),
        Case("a 403 of a proxy", 403, "<html>", Kind.CREDENTIALS),
        Case("a 429 of a proxy", 429, "", Kind.THROTTLED),
        Case("a proxy got no answer", 502, "", Kind.AMBIGUOUS),
        Case("a pause of SMS.ru", 503, "", Kind.TEMPORARY, retry_after=30.0, header="30"),
    ),
)


def read_post(post: Received) -> Sms:
    fields = post.form()
    require(fields.get("api_id") == post.secret, "the key is wrong")
    require(fields.get("msg"), "there is no text")
    phone, text = digits_of(fields.get("to"), WRONG_NUMBER), fields["msg"]
    return Sms(content_id(phone, text), phone, text, fields.get("from", ""), lifetime_of(fields, "ttl", 60))


def accept(sms: Sms, number: int) -> str:
    return read(100, sms.phone_number, sms_id=f"000000-{number:08}")


def status(code: int, said: str = "OK") -> dict[str, object]:
    """Of one message, in the answer to a question."""
    return {"status": said, "status_code": code, "cost": 0.5, "status_text": "About 79774053329"}


def statuses(messages: object) -> str:
    return json.dumps({"status": "OK", "status_code": 100, "sms": messages, "balance": 97.5})


def answer_question(post: Received, known: Mapping[int, str]) -> str:
    fields = post.form()
    if fields.get("api_id") != post.secret:
        return unread(200)
    said = {}
    for name in fields.get("sms_id", "").split(","):
        number = int(name.rpartition("-")[2] or 0)
        code = {"": 102, DELIVERED: 103, UNDELIVERED: 108}[known[number]] if number in known else -1
        said[name] = status(code, "ERROR" if code == -1 else "OK")
    return statuses(said)


FORM = Form(
    "/sms/send",
    read_post,
    accept,
    {
        "error_rate": "a fault of SMS.ru",
        "refuse": WRONG_NUMBER,
        "fail_for": "a fault of SMS.ru",
        "garbage": "the answer of the API without JSON",
    },
    questions=Questions("/sms/status", answer_question),
)
