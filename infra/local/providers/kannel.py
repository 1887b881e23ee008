"""Kannel: docs/gateways/kannel.md."""

from __future__ import annotations

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, content_id, digits_of, lifetime_of, require

URL = "http://127.0.0.1:13013/cgi-bin/sendsms"
HEADERS = {
    "Content-Type": "text/plain; charset=UTF-8",
    "X-Kannel-Username": "tester",
    "X-Kannel-Password": "foo:bar",
    "X-Kannel-To": "79774053329",
}

ACCEPTED = "0: Accepted for delivery"
DENIED = "the number is on a list"

TABLE = Table(
    Options("http://127.0.0.1:13013"),
    "tester:foo:bar",
    posts=(
        Expected(
            SMS,
            URL,
            "Да & нет",
            {**HEADERS, "X-Kannel-Coding": "2", "X-Kannel-From": "SHOP", "X-Kannel-Validity": "60"},
        ),
        Expected(PLAIN, URL, "Sale", {**HEADERS, "X-Kannel-Coding": "0"}),
    ),
    answers=(
        Case("the message is accepted", 202, ACCEPTED, Kind.ACCEPTED),
        Case("it waits for the SMS centre", 202, "3: Queued for later delivery", Kind.ACCEPTED),
        Case("it is accepted without waiting for the bearerbox", 202, "Sent.", Kind.ACCEPTED),
        Case("it is accepted in parts", 202, "Sent. Message splits: 3", Kind.ACCEPTED),
        Case("no route for the number", 403, "Not routable. Do not try again.", Kind.PERMANENT),
        Case("the login is wrong", 403, "Authorization failed for sendsms", Kind.CREDENTIALS),
        Case("a 403 in unknown words", 403, "Forbidden for 79774053329", Kind.CREDENTIALS),
        Case("the bearerbox is full", 503, "Temporal failure, try again later.", Kind.TEMPORARY),
        Case(
            DENIED,
            400,
            "Number(s) has/have been denied by white- and/or black-lists.",
            Kind.PERMANENT,
        ),
        Case("the text is wrong", 400, "Charset or body misformed, rejected", Kind.PERMANENT),
        Case("the recipient is missing", 400, "Empty receiver number not allowed, rejected", Kind.PERMANENT),
        Case("the lifetime is wrong", 400, "Validity field misformed, rejected", Kind.PERMANENT),
        Case("the sender is missing", 400, "Sender missing and no global set, rejected", Kind.SENDER),
        Case("the form of the post is not known", 400, "Invalid content-type", Kind.SENDER),
        Case("the address is wrong", 404, "Unknown request.", Kind.SENDER),
        Case("the type of the text is not known", 415, "Unsupported content-type, rejected", Kind.SENDER),
        Case("it could not be handed over", 500, "Sending failed.", Kind.AMBIGUOUS),
        Case("a success in unknown words", 202, "Denied receivers are: 79774053329", Kind.AMBIGUOUS),
        Case("a success without words", 202, "", Kind.AMBIGUOUS),
        Case("a success of another server", 200, "<html>0: Accepted for delivery</html>", Kind.AMBIGUOUS),
        Case("a proxy got no answer", 502, "", Kind.AMBIGUOUS),
        Case("a 503 in unknown words", 503, "<html>", Kind.AMBIGUOUS),
        Case("a pause of a proxy", 503, "", Kind.TEMPORARY, retry_after=30.0, header="30"),
    ),
)


def read_post(post: Received) -> Sms:
    sent = {name.lower().removeprefix("x-kannel-"): value for name, value in post.headers.items()}
    username, _, password = post.secret.partition(":")
    require((sent.get("username"), sent.get("password")) == (username, password), "the login is wrong")
    require(sent.get("to"), "the recipient is missing")
    require(post.body and sent.get("content-type") == "text/plain; charset=UTF-8", "the text is wrong")
    phone, text = digits_of(sent["to"], DENIED), post.body
    require(sent.get("coding") in ("0", "2"), "the text is wrong")
    return Sms(content_id(phone, text), phone, text, sent.get("from", ""), lifetime_of(sent, "validity", 60))


def accept(_: Sms, __: int) -> str:
    return ACCEPTED


def receipts_address(post: Received) -> str:
    return post.headers.get("X-Kannel-DLR-Url", "")


FORM = Form(
    "/cgi-bin/sendsms",
    read_post,
    accept,
    {
        "error_rate": "it could not be handed over",
        "refuse": DENIED,
        "fail_for": "it could not be handed over",
        "garbage": "a success of another server",
    },
    receipts_address,
)
