"""A mailing through the real stack and the adapter of a provider to the simulator of this provider."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from infra.deploy import put_gateway_token
from infra.local.deployment import STACK_NAME
from infra.local.lambdas import find_function, invoke
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .conftest import Call
from .test_mailing import CLIENTS, announce, tag

__all__ = ["tag"]


@pytest.fixture
def gateway(request: pytest.FixtureRequest, stack: DevStack) -> Iterator[Simulator]:
    """The senders use this provider until the end of the test. A deploy would take 15 seconds."""
    simulator = Simulator(provider=request.param).start()
    before = change_senders({})
    settings = replace(stack.settings, gateway=request.param)
    given = {"GATEWAY": settings.gateway, "GATEWAY_URL": simulator.gateway_url}
    given |= {"GATEWAY_SENDER": settings.sender, "GATEWAY_OPTIONS": settings.options}
    try:
        change_senders(given)
        put_gateway_token(STACK_NAME, settings.token)
        yield simulator
    finally:
        put_gateway_token(STACK_NAME, stack.settings.token)
        change_senders(before)
        simulator.stop()


def change_senders(changes: dict[str, str], function: str = "SendMessages") -> dict[str, str]:
    """Change environment variables of the senders, which ends their processes. Returns those from before."""
    lambdas, name = boto3.client("lambda"), find_function(function)
    before: dict[str, str] = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": {**before, **changes}})
    return before


@pytest.mark.parametrize("gateway", ["twilio", "smsc", "infobip"], indirect=True)
def test_a_mailing_through_a_provider_reaches_every_client_once_but_a_refused_one(
    gateway: Simulator, call: Call, tag: str, finished: Callable[..., dict[str, Any]]
) -> None:
    refused = call("GET", "/Clients/", params={"tag": tag}).json()["results"][0]
    gateway.behave(refuse=(int(refused["phone_number"]),))
    counts = finished(announce(call, tag))["messages"]
    assert (counts["total"], counts["sent"], counts["failed"]) == (CLIENTS, CLIENTS - 1, 1)
    summary = gateway.seen.summary()
    assert (summary["requests"], summary["distinct"], summary["repeated"]) == (CLIENTS, CLIENTS - 1, 0)
    assert {message["text"] for message in gateway.seen.messages.values()} == {"Привет"}


@pytest.fixture
def shown(gateway: Simulator) -> Iterator[Simulator]:
    """The API knows the provider too."""
    before = change_senders({}, "APIHandler")
    change_senders({"GATEWAY": gateway.provider.name}, "APIHandler")
    yield gateway
    change_senders(before, "APIHandler")


@pytest.mark.parametrize("gateway", ["smsc"], indirect=True)
def test_the_balance_that_the_provider_tells_is_shown(shown: Simulator, call: Call) -> None:
    """The schedule of the stack asks too, each minute. Nobody is asked twice within 50 seconds."""
    shown.behave(balance=97.5)
    deadline = time.monotonic() + 90
    while not (balances := call("GET", "/Stats/").json()["balances"]) or balances[0]["balance"] != "97.50":
        assert time.monotonic() < deadline, balances
        invoke("SendMessages", {"job": "ask_balances"})
        time.sleep(1)
    [balance] = balances
    assert balance.pop("at").endswith("Z")
    assert balance == {"gateway": "smsc", "balance": "97.50", "currency": "RUB", "is_low": True}
    asked = shown.questions
    assert invoke("SendMessages", {"job": "ask_balances"}) == {"told": 0}, "it was asked a moment ago"
    assert shown.questions == asked >= 1
