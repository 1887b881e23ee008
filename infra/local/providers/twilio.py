"""Twilio: docs/gateways/twilio.md."""

from __future__ import annotations

import json

from chalicelib.domain.outcome import Kind
from chalicelib.domain.sms import count_parts
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, content_id, digits_of, lifetime_of, require

ACCOUNT = "AC00000000000000000000000000000000"
URL = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
HEADERS = {
    "Authorization": "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDp0b2tlbg==",
    "Content-Type": "application/x-www-form-urlencoded",
}


WRONG_NUMBER = "the number is wrong"


def created(status: str = "queued", **fields: object) -> str:
    message = {"sid": "SM00000000000000000000000000000001", "status": status, "num_segments": "1", "price": None}
    return json.dumps({**message, "error_code": None, "to": "+79774053329", **fields})


def error(code: int, status: int = 400) -> str:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json.dumps({"code": code, "message": "About +79774053329", "more_info": more, "status": status})


def refusals(kind: Kind, codes: dict[int, str]) -> tuple[Case, ...]:
    return tuple(Case(name, 400, error(code), kind) for code, name in codes.items())


TABLE = Table(
    Options("https://api.twilio.com"),
    f"{ACCOUNT}:token",
    posts=(
        Expected(
            SMS,
            URL,
            "To=%2B79774053329&Body=%D0%94%D0%B0+%26+%D0%BD%D0%B5%D1%82&From=SHOP&ValidityPeriod=3600",
            HEADERS,
        ),
        Expected(PLAIN, URL, "To=%2B79774053329&Body=Sale", HEADERS),
    ),
    answers=(
        Case("the address is wrong", 404, "<html>Not Found</html>", Kind.SENDER),
        Case("the message is queued", 201, created(), Kind.ACCEPTED, parts=1),
        Case("a messaging service accepts it", 201, created("accepted", num_segments="0"), Kind.ACCEPTED),
        Case("it has failed at once", 201, created("failed", error_code=30007), Kind.PERMANENT),
        Case("it has failed without a code", 201, created("canceled"), Kind.PERMANENT),
        Case("a status that is not documented", 201, created("partially"), Kind.AMBIGUOUS),
        Case("a success without an id", 201, "{}", Kind.AMBIGUOUS),
        Case("a success that cannot be read", 201, "<html>", Kind.AMBIGUOUS),
        Case("a success that Twilio does not have", 204, "", Kind.AMBIGUOUS),
        Case("the token is wrong", 401, error(20003, 401), Kind.CREDENTIALS),
        Case("a 401 without a body", 401, "", Kind.CREDENTIALS),
        Case("the account is not active", 403, error(20005, 403), Kind.CREDENTIALS),
        Case("the account is closed", 403, error(10001, 403), Kind.CREDENTIALS),
        Case("the key may not send", 403, error(20403, 403), Kind.CREDENTIALS),
        Case("there is no such account", 404, error(20404, 404), Kind.CREDENTIALS),
        Case("the account's id has a wrong form", 400, error(20423), Kind.CREDENTIALS),
        Case("too many requests", 429, error(20429, 429), Kind.THROTTLED),
        Case("too many requests, with a pause", 429, error(20429, 429), Kind.THROTTLED, retry_after=2.0, header="2"),
        Case("a 429 of a proxy", 429, "", Kind.THROTTLED),
        Case("over the rate of the account", 429, error(63017, 429), Kind.THROTTLED),
        Case("over the rate of the channel", 429, error(63018, 429), Kind.THROTTLED),
        Case("over the daily limit of the account", 429, error(63038, 429), Kind.BALANCE),
        Case("the queue of the sender is full", 400, error(21611), Kind.THROTTLED),
        Case("the recipient has unsubscribed", 400, error(21610), Kind.OPTED_OUT),
        *refusals(
            Kind.PERMANENT,
            {
                21211: WRONG_NUMBER,
                21214: "the number cannot be reached",
                21217: "the number does not look like one",
                21265: "the number is a short code",
                21266: "the sender is the recipient",
                21268: "the number is a premium one",
                21408: "the region of the number is not enabled",
                21602: "the text is empty",
                21604: "the recipient is missing",
                21612: "no route from the sender to the number",
                21614: "the number is not a mobile one",
                21617: "the text is too long",
                21618: "the text is refused",
                21619: "there is no text",
                21635: "the number is a landline",
                29999: "a code that Twilio has added since",
            },
        ),
        *refusals(
            Kind.SENDER,
            {
                10002: "a trial account may not do that",
                21212: "the sender is wrong",
                21219: "a trial account sends to verified numbers only, in the words of calls",
                21264: "the sender is not verified",
                21267: "a trial account may not use a sender name",
                21601: "the sender cannot get messages",
                21603: "the sender is missing",
                21606: "the sender is not of this account",
                21607: "the sender must be the one for tests",
                21608: "a trial account sends to verified numbers only",
                21609: "the address for receipts is none that Twilio can call",
                21616: "the sender matches several numbers",
                21624: "the lifetime is wrong",
                21657: "the sender name is wrong",
                21659: "the sender is not a number of Twilio",
                21660: "the sender is a number of another account",
                21661: "the sender cannot send messages",
                21662: "the sender may not be used in this region",
                21663: "the routing of the sender is wrong",
                21668: "the kind of sender is not for this region",
                21701: "there is no such messaging service",
                21702: "the messaging service is not available",
                21703: "the messaging service has no free number",
                21704: "the messaging service has no numbers",
                21705: "the messaging service is wrong",
            },
        ),
        Case("a code with another status", 409, error(20409, 409), Kind.PERMANENT),
        Case("a refusal that cannot be read", 400, "<html>", Kind.PERMANENT),
        Case("a code that is no number", 400, '{"code": "x"}', Kind.PERMANENT),
        Case("a fault of Twilio", 500, error(20500, 500), Kind.AMBIGUOUS),
        Case("Twilio is not available", 503, error(20503, 503), Kind.AMBIGUOUS),
        Case("a fault behind Twilio", 504, error(20504, 504), Kind.AMBIGUOUS),
        Case("a fault of a proxy", 502, "<html>", Kind.AMBIGUOUS),
        Case("a pause that a proxy names", 503, "", Kind.TEMPORARY, retry_after=30.0, header="30"),
    ),
)


def read_post(post: Received) -> Sms:
    """An API key has SK and not the id of the account as its user."""
    user, _, _ = post.basic().partition(":")
    require(post.basic() == post.secret, "the token is wrong")
    require(user.startswith("SK") or post.path["account"] == user, "there is no such account")
    fields = post.form()
    require(fields.get("To"), "the recipient is missing")
    require(fields.get("Body"), "the text is empty")
    sender = fields.get("From") or fields.get("MessagingServiceSid")
    require(sender, "the sender is missing")
    phone, text = digits_of(fields["To"], WRONG_NUMBER, "+"), fields["Body"]
    return Sms(content_id(phone, text), phone, text, str(sender), lifetime_of(fields, "ValidityPeriod", 1))


def accept(sms: Sms, number: int) -> str:
    return created(sid=f"SM{number:032x}", to=f"+{sms.phone_number}", num_segments=str(count_parts(sms.text)))


def receipts_address(post: Received) -> str:
    return post.form().get("StatusCallback", "")


FORM = Form(
    "/2010-04-01/Accounts/{account}/Messages.json",
    read_post,
    accept,
    {
        "throttle": "too many requests, with a pause",
        "error_rate": "a fault of Twilio",
        "sender_refused": "the sender is not of this account",
        "refuse": WRONG_NUMBER,
        "fail_for": "a fault of Twilio",
        "garbage": "a success that cannot be read",
    },
    receipts_address,
)
