"""Two gateways on the real stack: what the first one does not take is sent by the second, and nothing by both.

The order counts: after a failure the breakers of the first gateway pass it over for some time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from chalicelib.settings import Settings
from infra.deploy.stored_secrets import put_secrets
from infra.local.deployment import STACK_NAME
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .conftest import Call
from .test_mailing import CLIENTS, announce, tag
from .test_secrets import await_that

__all__ = ["tag"]
Finished = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def second(stack: DevStack) -> Iterator[Simulator]:
    """The stack has two gateways until the end of the module: its simulator, and this one."""
    assert stack.simulator is not None
    simulator, before = Simulator().start(), stack.settings
    gateways = [
        {"name": "first", "gateway": "contract", "url": stack.simulator.url, "dedupes": False},
        {"name": "second", "gateway": "contract", "url": simulator.url},
    ]
    names = [f"/{STACK_NAME}/gateway-token-{gateway['name']}" for gateway in gateways]
    put_secrets(STACK_NAME, dict.fromkeys(names, stack.settings.token), receipts=True)
    try:
        stack.settings = replace(before, gateways=json.dumps(gateways))
        stack.deploy()
        yield simulator
    finally:
        stack.settings = before
        stack.deploy()
        boto3.client("ssm").delete_parameters(Names=names)
        simulator.stop()


@pytest.fixture
def both(simulator: Simulator, second: Simulator) -> tuple[Simulator, Simulator]:
    second.behave()
    second.forget()
    return simulator, second


def received(both: tuple[Simulator, Simulator]) -> tuple[set[int], set[int]]:
    for one in both:
        assert one.seen.summary()["repeated"] == 0
    first, second = (set(one.seen.accepted) for one in both)
    assert not first & second, "no message went to both"
    return first, second


def test_a_first_gateway_that_works_sends_all(
    both: tuple[Simulator, Simulator], call: Call, tag: str, finished: Finished
) -> None:
    assert finished(announce(call, tag))["messages"]["sent"] == CLIENTS
    first, second = received(both)
    assert (len(first), len(second)) == (CLIENTS, 0)


def test_what_the_first_gateway_accepts_after_the_timeout_is_sent_by_nobody_else(
    both: tuple[Simulator, Simulator], call: Call, tag: str, finished: Finished
) -> None:
    both[0].behave(latency=Settings().gateway_timeout + 1)
    counts = finished(announce(call, tag), seconds=60)["messages"]
    await_that(lambda: both[0].seen.accepted.total() == counts["unknown"], seconds=10)
    first, second = received(both)
    assert counts["unknown"] == len(first) > 0
    assert (counts["sent"], counts["sent"] + counts["unknown"]) == (len(second), CLIENTS)


def test_what_the_first_gateway_refuses_is_sent_by_the_second(
    both: tuple[Simulator, Simulator], call: Call, tag: str, finished: Finished
) -> None:
    both[0].behave(unauthorized=True)
    assert finished(announce(call, tag))["messages"]["sent"] == CLIENTS
    first, second = received(both)
    assert (len(first), len(second)) == (0, CLIENTS)


def test_what_the_first_gateway_may_have_is_sent_by_nobody_else(
    both: tuple[Simulator, Simulator], call: Call, tag: str, finished: Finished
) -> None:
    both[0].behave(garbage=True)
    counts = finished(announce(call, tag))["messages"]
    _, second = received(both)
    assert counts["unknown"] > 0
    assert (counts["sent"], counts["sent"] + counts["unknown"]) == (len(second), CLIENTS)
