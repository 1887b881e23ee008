"""Infobip: docs/gateways/infobip.md."""

from __future__ import annotations

import json

from chalicelib.domain.outcome import Kind
from chalicelib.domain.sms import count_parts
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, Refused, digits_of, require

URL = "https://abc123.api.infobip.com/sms/3/messages"
HEADERS = {"Authorization": "App key", "Content-Type": "application/json", "Accept": "application/json"}

WRONG_NUMBER = "the number is wrong"
GROUPS = {1: "PENDING", 2: "UNDELIVERABLE", 3: "DELIVERED", 4: "EXPIRED", 5: "REJECTED"}


def answered(number: int, group: int = 5, name: str = "NAME", sms: Sms = SMS, parts: object = 1) -> str:
    status = {
        "groupId": group,
        "groupName": GROUPS.get(group, "OTHER"),
        "id": number,
        "name": name,
        "description": "About 79774053329",
    }
    message = {
        "messageId": str(sms.id),
        "status": status,
        "destination": sms.phone_number,
        "details": {"messageCount": parts},
    }
    return json.dumps({"bulkId": "1688025180464000013", "messages": [message]})


def service_error(name: str) -> str:
    return json.dumps({"requestError": {"serviceException": {"messageId": name, "text": "About 79774053329"}}})


def api_error(code: str) -> str:
    return json.dumps({"errorCode": code, "description": "About 79774053329", "action": "", "violations": []})


TABLE = Table(
    Options("https://abc123.api.infobip.com"),
    "key",
    posts=(
        Expected(
            SMS,
            URL,
            r'{"messages": [{"destinations": [{"to": "79774053329", "messageId": "120000000345"}], '
            r'"content": {"text": "\u0414\u0430 & \u043d\u0435\u0442"}, "sender": "SHOP", '
            r'"options": {"validityPeriod": {"amount": 3600, "timeUnit": "SECONDS"}}}]}',
            HEADERS,
        ),
        Expected(
            PLAIN,
            URL,
            '{"messages": [{"destinations": [{"to": "79774053329", "messageId": "120000000345"}], '
            '"content": {"text": "Sale"}}]}',
            HEADERS,
        ),
    ),
    answers=(
        Case("the message is accepted", 200, answered(26, 1, "PENDING_ACCEPTED"), Kind.ACCEPTED, parts=1),
        Case("two parts are accepted", 200, answered(26, 1, "PENDING_ACCEPTED", parts=2), Kind.ACCEPTED, parts=2),
        Case("its parts are not counted yet", 200, answered(26, 1, "PENDING_ACCEPTED", parts=0), Kind.ACCEPTED),
        Case("it is on its way", 200, answered(7, 1, "PENDING_ENROUTE"), Kind.ACCEPTED, parts=1),
        Case("it waits for its delivery", 200, answered(3, 1, "PENDING_WAITING_DELIVERY"), Kind.ACCEPTED, parts=1),
        Case(
            "it is delivered to the operator at once",
            200,
            answered(2, 3, "DELIVERED_TO_OPERATOR"),
            Kind.ACCEPTED,
            parts=1,
        ),
        Case("it is delivered at once", 200, answered(5, 3, "DELIVERED_TO_HANDSET"), Kind.ACCEPTED, parts=1),
        Case("it waits in a way that is not documented", 200, answered(999, 1), Kind.ACCEPTED, parts=1),
        Case("Infobip has this id", 200, answered(23, name="REJECTED_DUPLICATE_MESSAGE_ID"), Kind.DUPLICATE),
        Case("the operator refuses it", 200, answered(4, 2, "UNDELIVERABLE_REJECTED_OPERATOR"), Kind.PERMANENT),
        Case("it cannot be delivered", 200, answered(9, 2, "UNDELIVERABLE_NOT_DELIVERED"), Kind.PERMANENT),
        Case("it has expired", 200, answered(15, 4, "EXPIRED_EXPIRED"), Kind.PERMANENT),
        Case("no receipt came before it expired", 200, answered(29, 4, "EXPIRED_DLR_UNKNOWN"), Kind.PERMANENT),
        Case("the network is not allowed", 200, answered(6, name="REJECTED_NETWORK"), Kind.PERMANENT),
        Case("the prefix is unknown", 200, answered(8, name="REJECTED_PREFIX_MISSING"), Kind.PERMANENT),
        Case("the number wants no messages", 200, answered(10, name="REJECTED_DND"), Kind.OPTED_OUT),
        Case("the source is refused", 200, answered(11, name="REJECTED_SOURCE"), Kind.SENDER),
        Case("no money is left", 200, answered(12, name="REJECTED_NOT_ENOUGH_CREDITS"), Kind.BALANCE),
        Case("the sender is refused", 200, answered(13, name="REJECTED_SENDER"), Kind.SENDER),
        Case("the number is refused", 200, answered(14, name="REJECTED_DESTINATION"), Kind.PERMANENT),
        Case("the package has expired", 200, answered(17, name="REJECTED_PREPAID_PACKAGE_EXPIRED"), Kind.BALANCE),
        Case("a trial account", 200, answered(18, name="REJECTED_DESTINATION_NOT_REGISTERED"), Kind.SENDER),
        Case("there is no route", 200, answered(19, name="REJECTED_ROUTE_NOT_AVAILABLE"), Kind.PERMANENT),
        Case("too much to this number", 200, answered(20, name="REJECTED_FLOODING_FILTER"), Kind.PERMANENT),
        Case("a system error", 200, answered(21, name="REJECTED_SYSTEM_ERROR"), Kind.AMBIGUOUS),
        Case("the header of the parts is wrong", 200, answered(24, name="REJECTED_INVALID_UDH"), Kind.PERMANENT),
        Case("the text is too long", 200, answered(25, name="REJECTED_MESSAGE_TOO_LONG"), Kind.PERMANENT),
        Case("the number is missing", 200, answered(51, name="MISSING_TO"), Kind.PERMANENT),
        Case(WRONG_NUMBER, 200, answered(52, name="REJECTED_DESTINATION"), Kind.PERMANENT),
        Case("it is rejected in a way that is not documented", 200, answered(888), Kind.PERMANENT),
        Case("a group that is not documented", 200, answered(777, 6), Kind.AMBIGUOUS),
        Case("a success without messages", 200, '{"messages": []}', Kind.AMBIGUOUS),
        Case("a success without a status", 200, '{"messages": [{"messageId": "120000000345"}]}', Kind.AMBIGUOUS),
        Case(
            "a status that is no number", 200, '{"messages": [{"status": {"id": "x", "groupId": 1}}]}', Kind.AMBIGUOUS
        ),
        Case("a success that cannot be read", 200, "<html>", Kind.AMBIGUOUS),
        Case("a success that Infobip does not have", 202, answered(26, 1), Kind.AMBIGUOUS),
        Case("the post is wrong", 400, service_error("BAD_REQUEST"), Kind.PERMANENT),
        Case("the post is wrong, in the newer form", 400, api_error("E400"), Kind.PERMANENT),
        Case("the key is wrong", 401, service_error("UNAUTHORIZED"), Kind.CREDENTIALS),
        Case("the key may not send", 403, api_error("E403"), Kind.CREDENTIALS),
        Case("the address of the account is wrong", 404, api_error("E404"), Kind.SENDER),
        Case("the address takes no posts", 405, "", Kind.SENDER),
        Case("the address takes no JSON", 415, "", Kind.SENDER),
        Case("too fast", 429, service_error("TOO_MANY_REQUESTS"), Kind.THROTTLED),
        Case("too fast, with a pause", 429, api_error("E429"), Kind.THROTTLED, retry_after=3.0, header="3"),
        Case("a fault of Infobip", 500, service_error("GENERAL_ERROR"), Kind.AMBIGUOUS),
        Case("a fault of a proxy", 502, "", Kind.AMBIGUOUS),
        Case("not available", 503, "", Kind.AMBIGUOUS),
        Case("not available, with a pause", 503, "", Kind.TEMPORARY, retry_after=60.0, header="60"),
    ),
)


def read_post(post: Received) -> Sms:
    require(post.headers.get("Authorization") == f"App {post.secret}", "the key is wrong")
    try:
        (message,) = post.json()["messages"]
        (to,) = message["destinations"]
        text = message["content"]["text"]
    except (LookupError, TypeError, ValueError):
        raise Refused("the post is wrong") from None
    require(to.get("to"), "the number is missing")
    phone, number = digits_of(to["to"], WRONG_NUMBER), str(to.get("messageId"))
    require(number.isascii() and number.isdigit(), "the post is wrong")
    period = message.get("options", {}).get("validityPeriod", {})
    return Sms(int(number), phone, text, message.get("sender", ""), period.get("amount"))


def accept(sms: Sms, _: int) -> str:
    return answered(26, 1, "PENDING_ACCEPTED", sms, count_parts(sms.text))


def receipts_address(post: Received) -> str:
    (message,) = post.json()["messages"]
    return str(message.get("webhooks", {}).get("delivery", {}).get("url", ""))


FORM = Form(
    "/sms/3/messages",
    read_post,
    accept,
    {
        "throttle": "too fast, with a pause",
        "error_rate": "a fault of Infobip",
        "refuse": WRONG_NUMBER,
        "fail_for": "a fault of Infobip",
        "garbage": "a success that cannot be read",
    },
    receipts_address,
)
