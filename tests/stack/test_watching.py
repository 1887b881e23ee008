"""Alarms and the dashboard use metrics that are written and resources that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.logs import NAMESPACE, measure
from infra.dashboard import body

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "WATCHING.md").read_text(encoding="utf-8")
STACK_NAME = "notifications-prod"
OURS = {
    *("Sent", "Failed", "Expired", "Cancelled", "Unknown", "Retried", "HeldBack", "OverLimit", "Spent"),
    *("GatewayRefusedToken", "InsufficientBalance", "GatewayRefusedSender", "Balance", "LowBalances"),
    *(
        "SenderErrors",
        "JobErrors",
        "BatchSucceeded",
        "SilentSeconds",
        "PausedMailings",
        "DeadLetters",
        "GatewayMilliseconds",
        "QueueMilliseconds",
        "FanOutMessages",
        "FanOutMilliseconds",
    ),
}
LOOKED_AT = {"AWS/SQS": "QueueName", "AWS/Lambda": "FunctionName", "AWS/DynamoDB": "TableName"}
KINDS = {"QueueName": "AWS::SQS::Queue", "FunctionName": "AWS::Lambda::Function", "TableName": "AWS::DynamoDB::Table"}


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A real line of metrics, as a function of a stack with this name writes it."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", STACK_NAME)
    names = ("GatewayRefusedToken", "InsufficientBalance", "SenderErrors", "JobErrors", "PausedMailings")
    counts = dict.fromkeys((*names, "LowBalances"), 1)
    measure(counts, levels={"BatchSucceeded": 0, "SilentSeconds": 0})
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def test_alarms_use_metrics_that_are_written(
    resources: dict[str, Any], functions: dict[str, Any], written: dict[str, Any]
) -> None:
    (described,) = written["_aws"]["CloudWatchMetrics"]
    names = {metric["Name"] for metric in described["Metrics"]}
    alarms = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    ours = [alarm for alarm in alarms if not alarm["Namespace"].startswith("AWS/")]
    assert {alarm["MetricName"] for alarm in ours} == names
    for alarm in ours:
        assert alarm["Namespace"] == described["Namespace"] == NAMESPACE
        assert described["Dimensions"] == [[dimension["Name"] for dimension in alarm["Dimensions"]]]
        (dimension,) = alarm["Dimensions"]
        assert dimension["Value"] == {"Ref": "AWS::StackName"}, "another stage of the account does not raise it"
        assert written[dimension["Name"]] == STACK_NAME
    for function in functions.values():
        assert function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}


@pytest.fixture
def dashboard(resources: dict[str, Any]) -> dict[str, Any]:
    """The dashboard as CloudFormation makes it: names of the stack are filled in, and an unknown name is an error."""

    def resolved(found: re.Match[str]) -> str:
        name, _, attribute = found[1].partition(".")
        if name.startswith("AWS::"):
            return STACK_NAME if name == "AWS::StackName" else "us-east-1"
        kind = resources[name]["Type"]
        assert attribute == ("QueueName" if kind == "AWS::SQS::Queue" else ""), name
        return f"{kind} {name}"

    properties = resources["Dashboard"]["Properties"]
    read: dict[str, Any] = json.loads(re.sub(r"\$\{([^}]*)}", resolved, properties["DashboardBody"]["Fn::Sub"]))
    return read


def test_the_dashboard_in_the_template_is_made_from_its_source(resources: dict[str, Any]) -> None:
    hint = "run `python -m infra.dashboard`"
    assert resources["Dashboard"]["Properties"]["DashboardBody"] == {"Fn::Sub": body()}, hint
    assert resources["Dashboard"]["Properties"]["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_every_metric_of_the_dashboard_belongs_to_an_existing_resource(
    dashboard: dict[str, Any], sam: dict[str, Any]
) -> None:
    api = sam["Resources"]["RestAPI"]["Properties"]
    assert api["DefinitionBody"]["info"]["title"] == {"Ref": "AWS::StackName"}
    shown = [metric for widget in dashboard["widgets"] for metric in widget["properties"]["metrics"]]
    measured = [metric[:-1] for metric in shown if isinstance(metric[0], str)]
    assert len({tuple(metric) for metric in measured}) <= 50, (
        "the free tier of CloudWatch has dashboards of at most 50 metrics"
    )
    for namespace, name, *dimensions in measured:
        if namespace == NAMESPACE:
            assert name in OURS
            assert dimensions == ["service", STACK_NAME]
        elif namespace == "AWS/ApiGateway":
            assert dimensions == ["ApiName", STACK_NAME, "Stage", api["StageName"]]
        else:
            dimension, value = dimensions
            assert dimension == LOOKED_AT[namespace]
            assert value.startswith(KINDS[dimension])


def test_each_widget_has_a_place_of_its_own_within_the_dashboard(dashboard: dict[str, Any]) -> None:
    places = [(one["x"], one["y"]) for one in dashboard["widgets"]]
    assert len(set(places)) == len(places)
    assert all(one["x"] + one["width"] <= 24 for one in dashboard["widgets"])


def test_every_metric_is_documented() -> None:
    table = DOCS.partition("## Metrics")[2].partition("## Prometheus")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == OURS
    assert "these twenty-four" in DOCS
    assert len(OURS) == 24


def test_the_documented_metrics_are_those_in_the_code() -> None:
    code = "".join(module.read_text() for module in (ROOT / "chalicelib").rglob("*.py"))
    statuses = {"Sent", "Failed", "Expired", "Cancelled", "Unknown"}
    assert all(f'"{name}"' in code for name in OURS - statuses)
