"""The events of AWS End User Messaging, as EventBridge gets them: docs/gateways/aws.md."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

from chalicelib.gateways.receipts.port import Call, Keys

from .reporting import Report, Reporting, of_one

ACCESS = "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/events/aws4_request, SignedHeaders=host, Signature=0"
"""Of the local stack, which checks no signature."""

HEADERS = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "AWSEvents.PutEvents",
    "authorization": ACCESS,
}
DETAIL_TYPE = "Text Message Delivery Status Updated"


def detail(
    event_type: str, context: object, phone_number: str, number: int = 1, *, is_final: bool = True
) -> dict[str, object]:
    """Source: https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html"""
    return {
        "eventType": event_type,
        "isFinal": is_final,
        "eventTimestamp": int(datetime.now(UTC).timestamp() * 1000),
        "messageId": str(UUID(int=number)),
        "destinationPhoneNumber": f"+{phone_number}",
        "messageStatusDescription": f"About +{phone_number}",
        "context": context,
    }


def reported(report: Report, _: Keys) -> Call:
    """The address is that of EventBridge, and after a `#` the `Context` of the post, which AWS repeats."""
    url, _, context = report.address.partition("#")
    said = "TEXT_DELIVERED" if report.is_delivered else "TEXT_UNREACHABLE"
    text = json.dumps(detail(said, json.loads(context), report.phone_number, report.number))
    entry = {"Source": "aws.sms-voice", "DetailType": DETAIL_TYPE, "Detail": text}
    return Call("POST", url, (), HEADERS, json.dumps({"Entries": [entry]}).encode())


def of_another_stack(address: str) -> str:
    """Nobody outside of AWS can put such an event. That of another stack in the account is the nearest to a forgery."""
    url, _, context = address.partition("#")
    return f"{url}#{json.dumps({**json.loads(context), 'stack': 'another'})}"


REPORTING = Reporting(of_one(reported), forged_address=of_another_stack)
