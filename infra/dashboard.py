"""The CloudWatch dashboard: what is on it, one widget a line, and the long string that CloudFormation wants.

python -m infra.dashboard        writes it into infra/stack.json; a test says when that has been forgotten
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

STACK = Path(__file__).parent / "stack.json"
ACROSS, WIDTH, HEIGHT = 3, 8, 6
"""Widgets in a row, and their size; CloudWatch's grid is 24 columns wide."""

OUTCOMES = ("Sent", "Failed", "Expired", "Cancelled", "Unknown", "Retried", "HeldBack")
QUEUES = ("SendQueue", "JobsQueue", "ImportsQueue")
TABLES = ("MessagesTable", "MailingsTable", "ClientsTable")
FUNCTIONS = ("APIHandler", "StartMailing", "RunJobs", "SendMessages", "Sweep", "ImportClients", "SendReport")

Metric = list[Any]


def body() -> str:
    """For Fn::Sub: names of the stack's parts stand in it as ${...}."""
    widgets = [
        _widget("Messages by outcome", "Sum", [_ours(name) for name in OUTCOMES]),
        _widget("The gateway's answer, ms", "p50", _percentiles(_ours("GatewayMilliseconds"))),
        _widget("Errors of ours, our token refused", "Sum", [_ours("SenderErrors"), _ours("GatewayRefusedToken")]),
        _widget("Messages in queues", "Maximum", [_queue("ApproximateNumberOfMessagesVisible", one) for one in QUEUES]),
        _widget("Age of the oldest, s", "Maximum", [_queue("ApproximateAgeOfOldestMessage", one) for one in QUEUES]),
        _widget("Dead letters", "Maximum", [_queue("ApproximateNumberOfMessagesVisible", "DeadLetters")]),
        _widget("Fan-out", "Sum", _fan_out()),
        _widget("Errors of functions", "Sum", [_lambda("Errors", one) for one in FUNCTIONS]),
        _widget("Duration of functions, p99, ms", "p99", [_lambda("Duration", one) for one in FUNCTIONS[2:5]]),
        _widget("Functions at once", "Maximum", [_lambda("ConcurrentExecutions", one) for one in FUNCTIONS[2:4]]),
        _widget("API: requests and errors", "Sum", [_api(name) for name in ("Count", "4XXError", "5XXError")]),
        _widget("API: latency, ms", "p50", _percentiles(_api("Latency"))),
        _widget("Throttled reads and writes of tables", "Sum", _throttles()),
    ]
    for index, widget in enumerate(widgets):
        widget |= {"x": index % ACROSS * WIDTH, "y": index // ACROSS * HEIGHT, "width": WIDTH, "height": HEIGHT}
    return json.dumps({"widgets": widgets}, separators=(",", ":"))


def _widget(title: str, stat: str, metrics: list[Metric]) -> dict[str, Any]:
    shown = {"view": "timeSeries", "region": "${AWS::Region}", "period": 60}
    return {"type": "metric", "properties": {"title": title, "stat": stat, "metrics": metrics, **shown}}


def _ours(name: str, **shown: Any) -> Metric:
    return ["Notifications", name, "service", "${AWS::StackName}", {"label": name, **shown}]


def _queue(name: str, queue: str) -> Metric:
    return ["AWS/SQS", name, "QueueName", f"${{{queue}.QueueName}}", {"label": queue}]


def _lambda(name: str, function: str) -> Metric:
    return ["AWS/Lambda", name, "FunctionName", f"${{{function}}}", {"label": function}]


def _api(name: str) -> Metric:
    return ["AWS/ApiGateway", name, "ApiName", "${AWS::StackName}", "Stage", "api", {"label": name}]


def _percentiles(metric: Metric) -> list[Metric]:
    return [[*metric[:-1], {"label": stat, "stat": stat}] for stat in ("p50", "p99")]


def _fan_out() -> list[Metric]:
    """How many are queued in a second by all workers together, and how long a page of a thousand takes one."""
    rate = {"expression": "created / PERIOD(created)", "label": "messages a second", "id": "rate"}
    took = _ours("FanOutMilliseconds", stat="p50", yAxis="right", label="ms a page, p50")
    return [[rate], _ours("FanOutMessages", id="created", visible=False), took]


def _throttles() -> list[Metric]:
    return [
        ["AWS/DynamoDB", f"{kind}ThrottleEvents", "TableName", f"${{{table}}}", {"label": f"{table}: {kind}"}]
        for table in TABLES
        for kind in ("Read", "Write")
    ]


def main() -> None:
    template = json.loads(STACK.read_text(encoding="utf-8"))
    template["Resources"]["Dashboard"]["Properties"]["DashboardBody"] = {"Fn::Sub": body()}
    STACK.write_text(json.dumps(template, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
