"""Delivery receipts in the form of a provider on the real stack: genuine ones are counted, and forged ones refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .conftest import Call
from .test_mailing import CLIENTS, announce, tag
from .test_receipts import PATIENCE, found

__all__ = ["tag"]


@pytest.fixture(scope="module", params=["twilio", "smsc"])
def provider_simulator(stack: DevStack, request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """The stack has this provider until the end of the module. SMSC signs with a secret of its own."""
    before = stack.settings, stack.simulator
    stack.settings = replace(stack.settings, gateway=request.param, gateway_rate="100")
    stack.simulator = stack.start_simulator()
    try:
        stack.deploy()
        yield stack.simulator
    finally:
        stack.simulator.stop()
        stack.settings, stack.simulator = before
        stack.deploy()


def test_receipts_of_a_provider_are_counted_and_forged_ones_refused(
    provider_simulator: Simulator, call: Call, tag: str, finished: Callable[[int], dict[str, Any]]
) -> None:
    simulator = provider_simulator
    simulator.behave(receipts=1, undelivered=0.4, receipt_repeats=1, receipt_disorder=True, receipt_forgery=1)
    mailing_id = announce(call, tag)
    finished(mailing_id, 120)
    outcomes = simulator.reporter.outcomes
    assert len(outcomes) == CLIENTS
    wanted, deadline = Counter(outcomes.values()), time.monotonic() + PATIENCE
    while not simulator.reporter.is_done or found(call, mailing_id) != wanted:
        assert time.monotonic() < deadline, (found(call, mailing_id), wanted, simulator.reporter.answers)
        time.sleep(0.3)
    results = call("GET", f"/Stats/{mailing_id}/?status=sent").json()["results"]
    assert {message["id"]: message["status"] for message in results} == outcomes
    assert set(simulator.reporter.answers) == {200}
    assert simulator.reporter.forged == {403: 2 * CLIENTS}, "with a wrong key, and with a wrong signature"
