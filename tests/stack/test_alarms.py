"""The alarms: made from their source, on metrics that exist, documented with their price.

tests/invariants/test_alarms.py and tests/http/test_api_alarms.py show that each goes off.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.logs import NAMESPACE
from infra.alarms import ALARMS

from .test_template import EVENT_SOURCES, FUNCTIONS, of_type
from .test_watching import OURS

DOCS = Path(__file__).parents[2] / "docs"
DIMENSIONS = {
    "AWS/SQS": {"QueueName": "AWS::SQS::Queue"},
    "AWS/Lambda": {"FunctionName": "AWS::Lambda::Function"},
}
PRICE = 0.10
"""US dollars a month for each metric of an alarm: https://aws.amazon.com/cloudwatch/pricing/"""

WITHOUT_ERRORS_ALARM = {
    "APIHandler": "its errors are 5xx of the API",
    "StartMailing": "the sweep starts what is late",
    "ManageTokens": "a person has called it and sees the error",
    "ManageUsers": "a person has called it and sees the error",
    "RedriveDeadLetters": "a person has called it and sees the error",
    "StartImport": "a person has called it and sees the error",
}


@pytest.fixture
def alarms(resources: dict[str, Any]) -> dict[str, Any]:
    return of_type(resources, "AWS::CloudWatch::Alarm")


def test_the_alarms_in_the_template_are_made_from_their_source(sam: dict[str, Any]) -> None:
    found = {name: one for name, one in sam["Resources"].items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    assert found == {name: alarm.resource() for name, alarm in ALARMS.items()}, "run `python -m infra.alarms`"


def test_an_alarm_has_instructions_and_notifies_the_topic_of_its_beginning_and_end(alarms: dict[str, Any]) -> None:
    for alarm in alarms.values():
        assert ":" in alarm["AlarmDescription"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Alarms"}]


def test_an_alarm_has_the_metric_of_a_resource_or_one_that_the_service_writes(
    alarms: dict[str, Any], resources: dict[str, Any], sam: dict[str, Any]
) -> None:
    """Another stage of the account does not raise it."""
    api = sam["Resources"]["RestAPI"]["Properties"]
    for alarm in alarms.values():
        dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        if alarm["Namespace"] == NAMESPACE:
            assert (dimensions, alarm["MetricName"] in OURS) == ({"service": {"Ref": "AWS::StackName"}}, True)
        elif alarm["Namespace"] == "AWS/ApiGateway":
            assert dimensions == {"ApiName": api["Name"], "Stage": api["StageName"]}
        else:
            ((name, kind),) = DIMENSIONS[alarm["Namespace"]].items()
            value = dimensions[name]
            assert resources[value.get("Ref") or value["Fn::GetAtt"][0]]["Type"] == kind


def watched(alarms: dict[str, Any], namespace: str, metric: str) -> set[str]:
    """The logical names of the functions or queues whose metric has an alarm."""
    values = [
        alarm["Dimensions"][0]["Value"]
        for alarm in alarms.values()
        if (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric)
    ]
    return {value.get("Ref") or value["Fn::GetAtt"][0] for value in values}


def test_every_function_has_an_alarm_on_its_errors_or_a_reason_for_none(alarms: dict[str, Any]) -> None:
    assert watched(alarms, "AWS/Lambda", "Errors") | WITHOUT_ERRORS_ALARM.keys() == FUNCTIONS


def test_every_queue_has_an_alarm_on_its_age_except_the_send_queue(alarms: dict[str, Any]) -> None:
    """A large mailing keeps messages in the send queue for hours: the alarm is on the silence of mailings instead."""
    assert watched(alarms, "AWS/SQS", "ApproximateAgeOfOldestMessage") == set(EVENT_SOURCES.values()) - {"SendQueue"}
    assert "SilenceAlarm" in alarms


def test_the_alarm_on_a_missing_sweep_does_not_go_off_at_the_first_deploy(alarms: dict[str, Any]) -> None:
    """A new alarm has no data. Treated as breaching, that is an alarm before the sweep could have run."""
    assert {alarm["TreatMissingData"] for name, alarm in alarms.items() if name != "SweepAlarm"} == {"notBreaching"}
    sweep = alarms["SweepAlarm"]
    assert (sweep["TreatMissingData"], sweep["InsufficientDataActions"]) == ("missing", [{"Ref": "Alarms"}])


def test_alarms_of_what_a_stack_does_not_use_are_left_out(resources: dict[str, Any]) -> None:
    conditions = {name: resources[name]["Condition"] for name in ALARMS if "Condition" in resources[name]}
    receipts = dict.fromkeys(("SettleReceiptsErrorsAlarm", "ReceiptsQueueAgeAlarm"), "ReceiptsAreExpected")
    others = {"ReportErrorsAlarm": "ReportIsSent", "CopyAuditErrorsAlarm": "HasAuditCopy"}
    assert conditions == {**receipts, **others, "LowBalanceAlarm": "BalancesAreAsked"}


def test_every_alarm_is_documented() -> None:
    table = (DOCS / "RELIABILITY.md").read_text().partition("### Alarms\n")[2].partition("\n### ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(ALARMS)


def test_the_documented_price_is_that_of_their_metrics(alarms: dict[str, Any]) -> None:
    assert all("Metrics" not in alarm for alarm in alarms.values()), "a formula is charged for each of its metrics"
    always = sum(alarm.condition is None for alarm in ALARMS.values())
    prices = {f"{always * PRICE:.2f}", f"{len(ALARMS) * PRICE:.2f}"}
    for page in ("WATCHING.md", "PERFORMANCE.md"):
        assert all(price in (DOCS / page).read_text() for price in prices), page
