"""The contract: docs/GATEWAYS.md, "The contract"."""

from __future__ import annotations

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Options, Sms

from .case import SMS, Case, Expected, Table
from .form import Form, Received, require

OK = '{"code": 0, "message": "OK"}'
REFUSED = "the message is refused"

TABLE = Table(
    Options("https://sms.example.com"),
    "simulator-token",
    posts=(
        Expected(
            SMS,
            "https://sms.example.com/v1/send/120000000345",
            r'{"id": 120000000345, "phone": 79774053329, "text": "\u0414\u0430 & \u043d\u0435\u0442"}',
            {"Authorization": "Bearer simulator-token", "Content-Type": "application/json"},
        ),
    ),
    answers=(
        Case("it is accepted", 200, OK, Kind.ACCEPTED),
        Case("another code may mean later", 200, '{"code": 7, "message": "busy"}', Kind.AMBIGUOUS),
        Case("an answer outside the contract", 200, "<html>busy</html>", Kind.AMBIGUOUS),
        Case("another success than the documented one", 201, OK, Kind.AMBIGUOUS),
        Case(REFUSED, 400, '{"code": 2, "message": "bad request"}', Kind.PERMANENT),
        Case("the token is refused", 401, '{"code": 1, "message": "unauthorized"}', Kind.CREDENTIALS),
        Case("the token is not enough", 403, "", Kind.CREDENTIALS),
        Case("too fast", 429, "", Kind.THROTTLED, retry_after=7.0, header="7"),
        Case("a fault of the gateway", 500, "<h1>Internal Server Error</h1>", Kind.TEMPORARY),
        Case("a pause of the gateway", 503, "", Kind.TEMPORARY, retry_after=30.0, header="30"),
        Case("a proxy got no answer", 502, "", Kind.AMBIGUOUS),
        Case("a proxy waited too long", 504, "", Kind.AMBIGUOUS),
    ),
)


def read_post(post: Received) -> Sms:
    require(post.headers.get("Authorization") == f"Bearer {post.secret}", "the token is refused")
    body = post.json()
    require(set(body) == {"id", "phone", "text"}, REFUSED)
    require(all(type(body[name]) is int and 0 < body[name] < 2**63 for name in ("id", "phone")), REFUSED)
    require(str(body["id"]) == post.path["id"] and isinstance(body["text"], str), REFUSED)
    return Sms(body["id"], str(body["phone"]), body["text"])


def accept(_: Sms, __: int) -> str:
    return OK


FORM = Form(
    "/v1/send/{id}",
    read_post,
    accept,
    {
        "error_rate": "a fault of the gateway",
        "fail_for": "a fault of the gateway",
        "garbage": "an answer outside the contract",
    },
)
