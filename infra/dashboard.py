"""The CloudWatch dashboard: its widgets, one a line, and the JSON string that CloudFormation expects.

python -m infra.dashboard        writes it into infra/stack.json; a test fails if the two differ
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chalicelib.logs import NAMESPACE

STACK = Path(__file__).parent / "stack.json"
ACROSS, WIDTH, HEIGHT = 3, 8, 6
"""Widgets in a row, and their size in cells of CloudWatch's grid, which has 24 columns."""

OUTCOMES = ("Sent", "Failed", "Expired", "Cancelled", "Unknown", "Retried", "HeldBack", "OverLimit")
ERRORS = ("SenderErrors", "JobErrors", "GatewayRefusedToken", "InsufficientBalance", "GatewayRefusedSender")
VISIBLE, AGE = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
QUEUES = ("SendQueue", "JobsQueue", "ImportsQueue")
TABLES = ("MessagesTable", "MailingsTable", "ClientsTable")
FUNCTIONS = ("APIHandler", "StartMailing", "RunJobs", "SendMessages", "Sweep", "ImportClients", "SendReport")

BALANCES = {
    "expression": f'SEARCH(\'{{{NAMESPACE},gateway,service}} MetricName="Balance" service="${{AWS::StackName}}"\', '
    "'Maximum', 300)",
    "id": "balances",
}
"""Of all gateways: their names are not known here. Source: CloudWatch user guide, "Search expression syntax"."""

Metric = list[Any]


def body() -> str:
    """A template for Fn::Sub, with ${...} for the names of the stack's resources."""
    widgets = [
        _widget("Messages by outcome", "Sum", [_service(name) for name in OUTCOMES]),
        _widget("Response time of the gateway, ms", "p50", _percentiles(_service("GatewayMilliseconds"))),
        _widget("Errors of messages and jobs, refusals of the gateway", "Sum", [_service(name) for name in ERRORS]),
        _widget("Longest silence of a mailing, s", "Maximum", [_service("SilentSeconds")]),
        _widget("Messages in queues", "Maximum", [_queue(VISIBLE, queue) for queue in QUEUES]),
        _widget("Age of the oldest message in queues, s", "Maximum", [_queue(AGE, queue) for queue in QUEUES]),
        _widget("Dead letters", "Maximum", [_queue(VISIBLE, "DeadLetters")]),
        _widget("Fan-out", "Sum", _fan_out()),
        _widget("Errors of functions", "Sum", [_lambda("Errors", name) for name in FUNCTIONS]),
        _widget("Duration of functions, p99, ms", "p99", [_lambda("Duration", name) for name in FUNCTIONS[2:5]]),
        _widget("Concurrent executions", "Maximum", [_lambda("ConcurrentExecutions", name) for name in FUNCTIONS[2:4]]),
        _widget("API: requests and errors", "Sum", [_api(name) for name in ("Count", "4XXError", "5XXError")]),
        _widget("API: latency, ms", "p50", _percentiles(_api("Latency"))),
        _widget("Throttled reads and writes", "Sum", _throttles()),
        _widget("Cost of the sent texts", "Sum", [_service("Spent")]),
        _widget("Balances at the gateways", "Maximum", [[BALANCES]]),
    ]
    for index, widget in enumerate(widgets):
        widget |= {"x": index % ACROSS * WIDTH, "y": index // ACROSS * HEIGHT, "width": WIDTH, "height": HEIGHT}
    return json.dumps({"widgets": widgets}, separators=(",", ":"))


def _widget(title: str, stat: str, metrics: list[Metric]) -> dict[str, Any]:
    shown = {"view": "timeSeries", "region": "${AWS::Region}", "period": 60}
    return {"type": "metric", "properties": {"title": title, "stat": stat, "metrics": metrics, **shown}}


def _service(name: str, **shown: Any) -> Metric:
    return [NAMESPACE, name, "service", "${AWS::StackName}", {"label": name, **shown}]


def _queue(name: str, queue: str) -> Metric:
    return ["AWS/SQS", name, "QueueName", f"${{{queue}.QueueName}}", {"label": queue}]


def _lambda(name: str, function: str) -> Metric:
    return ["AWS/Lambda", name, "FunctionName", f"${{{function}}}", {"label": function}]


def _api(name: str) -> Metric:
    return ["AWS/ApiGateway", name, "ApiName", "${AWS::StackName}", "Stage", "api", {"label": name}]


def _percentiles(metric: Metric) -> list[Metric]:
    return [[*metric[:-1], {"label": stat, "stat": stat}] for stat in ("p50", "p99")]


def _fan_out() -> list[Metric]:
    """Messages a second that all workers queue together, and the time of one worker for a page of a thousand."""
    rate = {"expression": "created / PERIOD(created)", "label": "messages a second", "id": "rate"}
    page_time = _service("FanOutMilliseconds", stat="p50", yAxis="right", label="ms a page, p50")
    return [[rate], _service("FanOutMessages", id="created", visible=False), page_time]


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
