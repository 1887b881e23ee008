"""Jasmin: docs/gateways/jasmin.md."""

from __future__ import annotations

from uuid import UUID

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, content_id, digits_of, lifetime_of, require

URL = "http://127.0.0.1:1401/send"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


WRONG_LOGIN = "403 Authentication failure for username:79774053329"
WRONG_NUMBER = "400 Argument [to] has an invalid value: [79774053329x]."
FAULT = "500 Cannot send submit_sm, check SMPPClientManagerPB log file for details"


def refusal(status: int, reason: str, kind: Kind) -> Case:
    return Case(f"{status} {reason}", status, f'Error "{reason}"', kind)


TABLE = Table(
    Options("http://127.0.0.1:1401", {"validity": True}),
    "foo:b:ar",
    posts=(
        Expected(
            SMS,
            URL,
            "username=foo&password=b%3Aar&to=79774053329&coding=8&hex-content=04140430002000260020043d04350442"
            "&from=SHOP&validity-period=60",
            HEADERS,
        ),
        Expected(PLAIN, URL, "username=foo&password=b%3Aar&to=79774053329&coding=0&content=Sale", HEADERS),
    ),
    answers=(
        Case("the message is queued", 200, 'Success "07033084-5cfd-4812-90a4-e4d24ffb6e3d"', Kind.ACCEPTED),
        refusal(403, "Authentication failure for username:79774053329", Kind.CREDENTIALS),
        refusal(403, "Cannot charge submit_sm, check RouterPB log file for details", Kind.BALANCE),
        refusal(403, "User throughput exceeded", Kind.THROTTLED),
        refusal(403, "Forbidden", Kind.CREDENTIALS),
        refusal(400, "Argument [to] has an invalid value: [79774053329x].", Kind.PERMANENT),
        refusal(400, "Argument [username] has an invalid value: [a very long name].", Kind.CREDENTIALS),
        refusal(400, "Argument [password] has an invalid value: [a very long one].", Kind.CREDENTIALS),
        refusal(400, "Argument [hex-content] is unknown.", Kind.SENDER),
        refusal(400, "Authorization failed for user [foo] (Cannot send MT messages).", Kind.SENDER),
        refusal(400, "Authorization failed for user [foo] (Long content not authorized).", Kind.SENDER),
        refusal(400, "Authorization failed for user [foo] (Setting source address not authorized).", Kind.SENDER),
        refusal(400, "Authorization failed for user [foo] (Setting validity period not authorized).", Kind.SENDER),
        refusal(400, "Authorization failed for user [foo] (Setting hex content not authorized).", Kind.SENDER),
        refusal(400, "Value filter failed for user [foo] (source_address filter mismatch).", Kind.SENDER),
        refusal(400, "Value filter failed for user [foo] (validity_period filter mismatch).", Kind.SENDER),
        refusal(400, "Value filter failed for user [foo] (destination_address filter mismatch).", Kind.PERMANENT),
        refusal(400, "Value filter failed for user [foo] (content filter mismatch).", Kind.PERMANENT),
        refusal(400, "Failed running interception script, check log for details", Kind.SENDER),
        refusal(404, "No Such Resource", Kind.SENDER),
        refusal(412, "No route found", Kind.PERMANENT),
        refusal(412, "Failover route has no bound connectors", Kind.TEMPORARY),
        refusal(422, "Interception specific error code 422", Kind.PERMANENT),
        refusal(500, "Cannot send submit_sm, check SMPPClientManagerPB log file for details", Kind.AMBIGUOUS),
        refusal(500, "Unknown error: User throughput exceeded", Kind.AMBIGUOUS),
        refusal(503, "InterceptorPB not set !", Kind.TEMPORARY),
        refusal(503, "InterceptorPB not connected !", Kind.TEMPORARY),
        Case("an error with 200", 200, 'Error "None"', Kind.AMBIGUOUS),
        Case("a success of another server", 202, 'Success "07033084"', Kind.AMBIGUOUS),
        Case("a success without words", 200, "", Kind.AMBIGUOUS),
        Case("a proxy got no answer", 502, "", Kind.AMBIGUOUS),
        Case("a 503 in unknown words", 503, "<html>", Kind.AMBIGUOUS),
        Case("a pause of a proxy", 503, "", Kind.TEMPORARY, retry_after=30.0, header="30"),
        Case("too fast for a proxy", 429, "", Kind.THROTTLED, retry_after=7.0, header="7"),
    ),
)


def read_post(post: Received) -> Sms:
    username, _, password = post.secret.partition(":")
    fields = post.form()
    require((fields.get("username"), fields.get("password")) == (username, password), WRONG_LOGIN)
    phone = digits_of(fields.get("to"), WRONG_NUMBER)
    in_hex = fields.get("hex-content")
    text = bytes.fromhex(in_hex).decode("utf-16-be") if in_hex else fields.get("content", "")
    require(fields.get("coding") == ("8" if in_hex else "0"), WRONG_NUMBER)
    return Sms(content_id(phone, text), phone, text, fields.get("from", ""), lifetime_of(fields, "validity-period", 60))


def accept(_: Sms, number: int) -> str:
    return f'Success "{UUID(int=number)}"'


def receipts_address(post: Received) -> str:
    return post.form().get("dlr-url", "")


FORM = Form(
    "/send",
    read_post,
    accept,
    {
        "throttle": "403 User throughput exceeded",
        "error_rate": FAULT,
        "refuse": WRONG_NUMBER,
        "fail_for": FAULT,
        "garbage": "an error with 200",
    },
    receipts_address,
)
