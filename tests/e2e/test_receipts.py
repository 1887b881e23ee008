"""Delivery receipts through API Gateway: late, repeated and out of order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from infra.deploy import receipts_secret
from infra.local.deployment import STACK_NAME
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .conftest import Call

CLIENTS = 30
TAG = "receipts"
PATIENCE = 60


def announce(call: Call) -> int:
    for number in range(CLIENTS):
        assert call("POST", "/Clients/", json={"phone_number": f"796000000{number:02d}", "tag": TAG}).ok
    now = datetime.now(UTC)
    fields = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    answer = call("POST", "/Mailing/", json={**fields, "message_text": "text", "filter_tag": TAG})
    mailing_id: int = answer.json()["id"]
    return mailing_id


def test_every_receipt_is_counted_once(
    call: Call, stack: DevStack, simulator: Simulator, finished: Callable[[int], dict[str, Any]]
) -> None:
    manner = {"receipts": 1, "undelivered": 0.3, "receipt_delay": 0.5, "receipt_repeats": 1, "receipt_disorder": True}
    assert requests.put(f"{simulator.url}/control", json=manner, timeout=5).status_code == 200
    before = call("GET", "/Stats/").json()["totals"]
    mailing_id = announce(call)
    finished(mailing_id)
    outcomes = simulator.reporter.outcomes
    assert len(outcomes) == CLIENTS
    wanted = Counter(outcomes.values())
    deadline = time.monotonic() + PATIENCE
    while not simulator.reporter.is_done or found(call, mailing_id) != wanted:
        assert time.monotonic() < deadline, (found(call, mailing_id), wanted, simulator.reporter.answers)
        time.sleep(0.3)
    stats = call("GET", f"/Stats/{mailing_id}/?status=sent").json()
    assert stats["messages"]["sent"] == CLIENTS == len(stats["results"])
    assert {message["id"]: message["status"] for message in stats["results"]} == outcomes
    reasons = {message["last_error"] for message in stats["results"] if message["status"] == "undelivered"}
    assert reasons <= {"Not delivered: absent subscriber"}
    after = call("GET", "/Stats/").json()["totals"]
    assert {name: after[name] - before[name] for name in wanted} == wanted
    assert set(simulator.reporter.answers) == {200}


def found(call: Call, mailing_id: int) -> Counter[str]:
    counts = call("GET", f"/Stats/{mailing_id}/?limit=1").json()["messages"]
    return Counter({name: counts[name] for name in ("delivered", "undelivered") if counts[name]})


def test_the_receipts_route_accepts_its_secret_and_no_token(call: Call, stack: DevStack) -> None:
    sent = {"id": 7, "status": "delivered"}
    assert call("POST", "/Receipts/", json=sent).status_code == 401
    headers = {"Authorization": f"Bearer {receipts_secret(STACK_NAME)}"}
    answer = call("POST", "/Receipts", json=sent, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "unknown": 1})
    assert call("GET", "/Stats/", headers=headers).status_code == 401
