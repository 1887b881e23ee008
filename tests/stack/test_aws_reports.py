"""The rules of EventBridge that turn the events of AWS End User Messaging into receipts."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.domain.job_bodies import from_body
from chalicelib.domain.jobs import SettleReceipts
from chalicelib.domain.message import DELIVERED, UNDELIVERED
from chalicelib.domain.receipt import Receipt
from chalicelib.gateways.aws_signature import Credentials
from chalicelib.gateways.receipts.aws import STATUSES
from chalicelib.settings import Settings
from infra.deploy import ROOT
from infra.local.providers.case import PLAIN
from infra.local.providers.receipts.aws import DETAIL_TYPE
from infra.local.providers.receipts.aws import detail as detail_of

RESOURCES = json.loads((ROOT / "infra" / "stack.json").read_text())["Resources"]
ALL_RULES = {name: one["Properties"] for name, one in RESOURCES.items() if one.get("Type") == "AWS::Events::Rule"}
RULES = {name: rule for name, rule in ALL_RULES.items() if "EventPattern" in rule}
"""Without the one that follows a schedule."""

STACK = "notifications-prod"
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def event(event_type: str, is_final: bool = True, **context: str) -> dict[str, Any]:
    """As in https://docs.aws.amazon.com/sms-voice/latest/userguide/monitor-event-bridge.html"""
    own = {"mid": "120000000345", "stack": STACK, **context}
    known = {"source": "aws.sms-voice", "detail-type": DETAIL_TYPE}
    detail = detail_of(event_type, own, "79774053329", is_final=is_final)
    return {"version": "0", **known, "time": "2026-11-23T12:00:00Z", "detail": detail}


def matches(pattern: Any, value: Any) -> bool:
    """Each name of the pattern must be there, with one of its values."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(one, value.get(name)) for name, one in pattern.items())
    allowed = [STACK if one == {"Ref": "AWS::StackName"} else one for one in pattern]
    return value in allowed or (value is not None and {"exists": True} in allowed)


def body_of(rule: dict[str, Any], given: dict[str, Any]) -> str:
    (target,) = rule["Targets"]
    transformer = target["InputTransformer"]
    values = {name: at_path(given, path) for name, path in transformer["InputPathsMap"].items()}
    return re.sub(r"<(\w+)>", lambda found: values[found[1]], transformer["InputTemplate"])


def at_path(value: Any, path: str) -> str:
    for name in path.removeprefix("$.").split("."):
        value = value[name]
    return str(value)


def receipts_of(given: dict[str, Any]) -> list[Receipt]:
    jobs = [from_body(body_of(rule, given)) for rule in RULES.values() if matches(rule["EventPattern"], given)]
    assert all(isinstance(job, SettleReceipts) for job in jobs)
    return [receipt for job in jobs if isinstance(job, SettleReceipts) for receipt in job.receipts]


@pytest.mark.parametrize(("event_type", "status"), STATUSES.items())
def test_a_final_event_becomes_a_receipt(event_type: str, status: str | None) -> None:
    reason = event_type if status == UNDELIVERED else ""
    expected = [Receipt(120000000345, status, AT, reason)] if status else []
    assert receipts_of(event(event_type)) == expected
    assert receipts_of(event(event_type, is_final=False)) == []


def test_no_event_of_another_stack_or_program_in_the_account_becomes_a_receipt() -> None:
    assert receipts_of(event("TEXT_DELIVERED", stack="notifications-test")) == []
    for context in ({}, {"mid": "1"}, {"stack": STACK}):
        foreign = event("TEXT_DELIVERED")
        foreign["detail"]["context"] = context
        assert receipts_of(foreign) == []
    assert receipts_of({**event("TEXT_DELIVERED"), "source": "own.program"}) == []


def test_neither_a_phone_number_nor_a_text_is_queued() -> None:
    for rule in RULES.values():
        assert "4053329" not in body_of(rule, event("TEXT_BLOCKED"))


def test_a_post_names_the_stack_that_the_rules_look_for() -> None:
    settings = Settings(gateway="aws", gateway_url="https://sms-voice.eu-central-1.amazonaws.com", stack_name=STACK)
    adapter = Services(settings)._open_gateway(settings.gateway_by_name["aws"])._adapter
    adapter._credentials = lambda: Credentials("AKID", "secret", None)
    posted = json.loads(adapter.request(PLAIN, "").body)
    assert posted["Context"] == {"mid": str(PLAIN.id), "stack": STACK}


def test_the_rules_exist_only_if_aws_is_the_gateway_and_receipts_are_expected() -> None:
    template = json.loads((ROOT / "infra" / "stack.json").read_text())
    conditions = [{"Condition": "SendsThroughAws"}, {"Condition": "ReceiptsAreExpected"}]
    assert template["Conditions"]["AwsReports"] == {"Fn::And": conditions}
    assert {RESOURCES[name]["Condition"] for name in RULES} == {"AwsReports"}
    assert sorted(RULES) == ["ReportsDelivered", "ReportsUndelivered"]
    types = [rule["EventPattern"]["detail"]["eventType"] for rule in RULES.values()]
    assert types == [[name for name, one in STATUSES.items() if one == status] for status in (DELIVERED, UNDELIVERED)]


def queue_statements() -> dict[str, Any]:
    """What others may do to the queue of receipts, by the condition."""
    statements = RESOURCES["ReceiptsQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    conditional = [one["Fn::If"] for one in statements if "Fn::If" in one]
    return {condition: allowed for condition, allowed, _ in conditional}


def test_the_queue_takes_messages_of_these_rules_only() -> None:
    allowed = queue_statements()["AwsReports"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": [{"Fn::GetAtt": [name, "Arn"]} for name in RULES]}}
    assert {rule["Targets"][0]["Arn"]["Fn::GetAtt"][0] for rule in RULES.values()} == {"ReceiptsQueue"}


def test_messages_to_us_come_from_the_named_topic_only_and_only_with_receipts() -> None:
    template = json.loads((ROOT / "infra" / "stack.json").read_text())
    has_topic = {"Fn::Not": [{"Fn::Equals": [{"Ref": "InboundTopic"}, ""]}]}
    assert template["Conditions"]["AwsInbound"] == {"Fn::And": [{"Condition": "ReceiptsAreExpected"}, has_topic]}
    statement = queue_statements()["AwsInbound"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "InboundTopic"}}}
    subscription = RESOURCES["InboundSubscription"]
    assert subscription["Condition"] == "AwsInbound"
    assert subscription["Properties"]["TopicArn"] == {"Ref": "InboundTopic"}
    assert subscription["Properties"]["RawMessageDelivery"] is True, "the body is the message itself"
