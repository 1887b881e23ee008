"""SMS Aero: docs/gateways/smsaero.md."""

from __future__ import annotations

import json

from chalicelib.domain.outcome import Kind
from chalicelib.domain.sms import count_parts
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, content_id, digits_of, require

URL = "https://gate.smsaero.ru/v2/sms/send"
HEADERS = {"Authorization": "Basic YW5uYUBleGFtcGxlLmNvbTprZXk=", "Content-Type": "application/json"}


WRONG_NUMBER = "the number is wrong"


def message(status: int = 0, said: str = "queue", **fields: object) -> str:
    of_message = {"id": 5, "from": "SHOP", "number": "79774053329", "text": "Sale", "status": status}
    dates = {"extendStatus": said, "channel": "DIRECT", "cost": 2.5, "dateCreate": 1790000000, "dateSend": 1790000000}
    return json.dumps({"success": True, "data": {**of_message, **dates, **fields}, "message": None})


def refusal(said: str, wrong: object = None) -> str:
    return json.dumps({"success": False, "data": wrong, "message": said}, ensure_ascii=False)


def invalid(*fields: str) -> str:
    return refusal("Validation error.", {field: ["incorrect"] for field in fields})


TABLE = Table(
    Options("https://gate.smsaero.ru/v2"),
    "anna@example.com:key",
    posts=(
        Expected(
            SMS,
            URL,
            r'{"number": "79774053329", "sign": "SHOP", "text": "\u0414\u0430 & \u043d\u0435\u0442"}',
            HEADERS,
        ),
        Expected(PLAIN, URL, '{"number": "79774053329", "sign": "", "text": "Sale"}', HEADERS),
    ),
    answers=(
        Case("the address is wrong", 404, "<html>Not Found</html>", Kind.SENDER),
        Case("the message is queued", 200, message(), Kind.ACCEPTED, price="2.5 RUB"),
        Case("its price is not known yet", 200, message(cost=None), Kind.ACCEPTED),
        Case("a person at SMS Aero looks at it first", 200, message(8, "moderation"), Kind.ACCEPTED, price="2.5 RUB"),
        Case("it is rejected at once", 200, message(6, "reject"), Kind.PERMANENT),
        Case("the key is wrong", 401, refusal("Your request was made with invalid credentials."), Kind.CREDENTIALS),
        Case(
            "the key is wrong, with 200",
            200,
            refusal("Your request was made with invalid credentials."),
            Kind.CREDENTIALS,
        ),
        Case(WRONG_NUMBER, 400, invalid("number"), Kind.PERMANENT),
        Case("the number is wrong, with 200", 200, invalid("number"), Kind.PERMANENT),
        Case("the text is wrong", 400, invalid("text"), Kind.PERMANENT),
        Case("the sender is wrong", 400, invalid("sign"), Kind.SENDER),
        Case("the sender and the number are wrong", 400, invalid("number", "sign"), Kind.SENDER),
        Case("another field is wrong", 400, invalid("dateSend"), Kind.SENDER),
        Case("a field is wrong, and none is named", 200, refusal("Validation error."), Kind.AMBIGUOUS),
        Case("no money is left, as its older gates say", 200, '{"result": "no credits"}', Kind.BALANCE),
        Case("no money is left, in likely words", 402, refusal("Not enough money."), Kind.BALANCE),
        Case("no money is left, in likely Russian words", 200, refusal("Недостаточно средств"), Kind.BALANCE),
        Case("a refusal in unknown words", 200, refusal("Number 79774053329 is busy."), Kind.AMBIGUOUS),
        Case("a refusal in unknown words, with 400", 400, refusal("Busy."), Kind.AMBIGUOUS),
        Case("a rejection of its older gates", 200, '{"result": "reject", "reason": "79774053329"}', Kind.AMBIGUOUS),
        Case("a success without a message", 200, '{"success": true, "data": null, "message": null}', Kind.AMBIGUOUS),
        Case("a success with several messages", 200, '{"success": true, "data": [{"id": 5}]}', Kind.AMBIGUOUS),
        Case("a success with another status", 500, message(), Kind.AMBIGUOUS),
        Case("a page instead of an answer", 200, "<html>", Kind.AMBIGUOUS),
        Case("a refusal that cannot be read", 400, "<html>", Kind.PERMANENT),
        Case("a 401 without a body", 401, "", Kind.CREDENTIALS),
        Case("too fast", 429, refusal("Too many requests."), Kind.THROTTLED, retry_after=7.0, header="7"),
        Case("a fault of SMS Aero", 500, refusal("Internal error."), Kind.AMBIGUOUS),
        Case("a fault with words like those of a refusal", 500, refusal("Not enough memory."), Kind.AMBIGUOUS),
        Case("words like those of a refusal in another answer", 200, '{"message": "balance"}', Kind.AMBIGUOUS),
        Case("a proxy got no answer", 502, "", Kind.AMBIGUOUS),
        Case("a pause of SMS Aero", 503, "", Kind.TEMPORARY, retry_after=30.0, header="30"),
    ),
)


def read_post(post: Received) -> Sms:
    require(post.basic() == post.secret, "the key is wrong")
    body = post.json()
    phone, text = digits_of(body.get("number"), WRONG_NUMBER), body.get("text")
    require(body.get("sign"), "the sender is wrong")
    require(isinstance(text, str) and text, "the text is wrong")
    return Sms(content_id(phone, text), phone, text, body["sign"])


def accept(sms: Sms, number: int) -> str:
    return message(id=number, number=sms.phone_number, text=sms.text, cost=2.5 * count_parts(sms.text))


def receipts_address(post: Received) -> str:
    return str(post.json().get("callbackUrl", ""))


FORM = Form(
    "/v2/sms/send",
    read_post,
    accept,
    {
        "error_rate": "a fault of SMS Aero",
        "sender_refused": "the sender is wrong",
        "refuse": WRONG_NUMBER,
        "fail_for": "a fault of SMS Aero",
        "garbage": "a page instead of an answer",
    },
    receipts_address,
)
