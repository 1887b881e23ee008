"""The queries of docs/WATCHING.md on the real log lines of the deployed functions, and their metrics."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.simulator import Simulator
from infra.local.stack import DevStack
from tests.insights import Line, run

from .conftest import Call

DOCS = Path(__file__).parents[2] / "docs" / "WATCHING.md"
QUERIES = dict(re.findall(r"### The story of a (\w+)\n.*?```\n(fields.*?)```", DOCS.read_text(), re.DOTALL))
NUMBERS = count(79770009001)
LoggedMailing = tuple[list[Line], int, list[int], list[str]]


def lines_since(moment: datetime) -> list[Line]:
    """The lines of all functions, as Insights sees them: JSON as fields, other lines as @message.

    An invocation's lines arrive at its end. The metrics of an earlier test that arrive late are left out.
    """
    start = int(moment.timestamp() * 1000)
    logs = boto3.client("logs")
    groups = [one["logGroupName"] for one in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]]
    found: list[Line] = []
    for group in groups:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
        for event in (event for page in pages for event in page["events"]):
            text = event["message"].strip()
            fields = json.loads(text) if text.startswith("{") else {}
            if fields.get("_aws", {}).get("Timestamp", start) >= start:
                found.append({**fields, "@message": text, "@timestamp": event["timestamp"]})
    return found


def is_complete(lines: list[Line], posts: int) -> bool:
    """Whether the mailing has ended, and its fan-out and the senders of its messages have written their lines.

    A mailing may end before the lines of its fan-out arrive.
    """
    return count_posts(lines) >= posts and {"fanned out", "mailing ended"} <= {line.get("message") for line in lines}


def count_posts(lines: list[Line]) -> int:
    return sum(len(line.get("GatewayMilliseconds", [])) for line in lines)


def ask(name: str, mailing_id: int, client_id: int, lines: list[Line]) -> list[Line]:
    query = re.sub(r"\b12\b", str(mailing_id), QUERIES[name])
    return run(re.sub(r"\b345\b", str(client_id), query), lines)


@pytest.fixture
def logged_mailing(
    stack: DevStack, call: Call, simulator: Simulator, finished: Callable[[int], dict[str, Any]]
) -> LoggedMailing:
    """A mailing for three clients; the gateway refuses one of them. Returns its log lines, its id, their ids and their
    phone numbers.
    """
    begun = datetime.now(UTC)
    phones = [str(next(NUMBERS)) for _ in range(3)]
    tag = f"watched{phones[0][-2:]}"
    clients = [call("POST", "/Clients/", json={"phone_number": phone, "tag": tag}).json()["id"] for phone in phones]
    simulator.behave(refuse=(int(phones[2]),))
    end = datetime.now(UTC) + timedelta(hours=1)
    times = {"datetime_start": begun.isoformat(), "datetime_end": end.isoformat()}
    made = call("POST", "/Mailing/", json={**times, "message_text": "watched", "filter_tag": tag}).json()
    assert finished(made["id"])["messages"]["failed"] == 1
    deadline = time.monotonic() + 60
    while not is_complete(lines_since(begun), posts=len(phones)):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return lines_since(begun), made["id"], clients, phones


def test_one_query_finds_all_lines_of_a_mailing_a_message_or_a_client(
    logged_mailing: LoggedMailing,
) -> None:
    lines, mailing_id, (reached, other, refused), _ = logged_mailing
    mailing = [line["message"] for line in ask("mailing", mailing_id, reached, lines)]
    assert {"request", "started", "created", "fanned out", "settled"} < set(mailing), "processes overlap"
    assert mailing.count("mailing ended") == 1
    message = ask("message", mailing_id, refused, lines)
    about_it = [(line["message"], line.get("status")) for line in message if "client_id" in line or "clients" in line]
    assert sorted(about_it, key=str) == [
        ("The gateway refused the message (400).", None),
        ("created", "queued"),
        ("settled", "failed"),
    ], "a message may be settled before the fan-out logs that it was created"
    assert {"request", "started", "mailing ended"} < {line["message"] for line in message}
    client = [(line["message"], line.get("status")) for line in ask("client", mailing_id, reached, lines)]
    assert sorted(client, key=str) == [("created", "queued"), ("request", 201), ("settled", "sent")]
    assert all(line["function"] and line["request_id"] for line in ask("mailing", mailing_id, other, lines))


def test_no_log_line_has_a_phone_number_or_a_token(logged_mailing: LoggedMailing) -> None:
    text = "\n".join(line["@message"] for line in logged_mailing[0])
    assert len(logged_mailing[0]) > 10
    assert not [phone for phone in logged_mailing[3] if phone in text]
    assert not re.search(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])", text)


def test_the_metrics_are_those_of_this_stack(logged_mailing: LoggedMailing) -> None:
    metrics = [line for line in logged_mailing[0] if "_aws" in line]
    assert {line["service"] for line in metrics} == {"notifications-local"}

    def total(name: str) -> float:
        return sum(sum(line.get(name, [])) for line in metrics)

    assert (total("Sent"), total("Failed"), total("FanOutMessages")) == (2, 1, 3)
    assert count_posts(metrics) == 3 + total("Retried"), (
        "each post has one result; a busy machine may need to repeat one"
    )


def test_the_dashboard_exists_and_prometheus_gets_its_metrics(stack: DevStack, call: Call) -> None:
    body = json.loads(
        boto3.client("cloudwatch").get_dashboard(DashboardName="notifications-local-us-east-1")["DashboardBody"]
    )
    assert len(body["widgets"]) > 10
    assert "${" not in json.dumps(body)
    answer = call("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "\nnotifications_queue_messages" in answer.text
