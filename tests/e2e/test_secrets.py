"""The gateway's token and the session key on the whole stack: nowhere readable, and renewed during a mailing."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from infra.local.deployment import STACK_NAME
from infra.local.simulator import DEFAULT_TOKEN, Simulator
from infra.local.stack import DevStack

from .conftest import Call
from .pages import AWS
from .test_mailing import CLIENTS, announce, tag

__all__ = ["tag"]

NEW_TOKEN = "renewed-simulator-token"
NAMES = ("gateway-token", "session-key")
PATIENCE = 400
"""Seconds: who was refused often by then comes back after up to four minutes (domain/backoff.py)."""


@pytest.fixture
def renew(stack: DevStack, simulator: Simulator) -> Iterator[Callable[[str], None]]:
    """Renews the token as docs/OPERATIONS.md describes it. The stack has its own token again afterwards."""

    def renew(token: str) -> None:
        name = f"/{STACK_NAME}/gateway-token"
        command = [AWS / "aws", "ssm", "put-parameter", "--name", name, "--type", "SecureString", "--overwrite"]
        subprocess.run([*command, "--value", token], check=True, capture_output=True, env=dict(os.environ))

    yield renew
    simulator.token = DEFAULT_TOKEN
    renew(DEFAULT_TOKEN)


def stored() -> list[str]:
    ssm = boto3.client("ssm")
    names = [f"/{STACK_NAME}/{name}" for name in NAMES]
    return [ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] for name in names]


def functions() -> list[str]:
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK_NAME)
    resources = [one for page in pages for one in page["StackResourceSummaries"]]
    return [one["PhysicalResourceId"] for one in resources if one["ResourceType"] == "AWS::Lambda::Function"]


def logged(function: str) -> list[str]:
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
    return [event["message"] for page in pages for event in page["events"]]


def reasons(sender: str) -> list[str]:
    """The logged reasons of failed posts."""
    return [line for line in logged(sender) if '"level":"WARNING"' in line]


def await_that(happened: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_token_renewed_during_a_mailing_loses_no_message(
    call: Call, tag: str, simulator: Simulator, renew: Callable[[str], None], finished: Callable[..., dict[str, Any]]
) -> None:
    simulator.token = NEW_TOKEN
    mailing_id = announce(call, tag)
    await_that(lambda: simulator.seen.by_status[401] > 0)
    waiting = call("GET", f"/Stats/{mailing_id}/").json()["messages"]
    assert (waiting["sent"], waiting["failed"]) == (0, 0)
    renew(NEW_TOKEN)
    assert finished(mailing_id, PATIENCE)["messages"]["sent"] == CLIENTS
    assert simulator.seen.summary()["repeated"] == 0


def test_no_secret_is_in_a_log_an_environment_or_the_template(
    stack: DevStack, call: Call, tag: str, simulator: Simulator, finished: Callable[..., dict[str, Any]]
) -> None:
    mailing_id = announce(call, tag)
    sender = next(name for name in functions() if "-SendMessages-" in name)
    for behaviour, reason in (({"unauthorized": True}, "401"), ({"hang": True}, "ReadTimeout")):
        simulator.behave(**behaviour)
        await_that(lambda reason=reason: any(reason in line for line in reasons(sender)))  # type: ignore[misc]
    simulator.behave()
    finished(mailing_id, PATIENCE)
    call("GET", "/console/")
    lambdas, cloudformation = boto3.client("lambda"), boto3.client("cloudformation")
    lines = {name: logged(name) for name in functions()}
    said = [
        lines,
        [lambdas.get_function_configuration(FunctionName=name) for name in lines],
        cloudformation.describe_stacks(StackName=STACK_NAME),
        cloudformation.get_template(StackName=STACK_NAME),
        call("GET", f"/Stats/{mailing_id}/").text,
    ]
    for secret in [*stored(), DEFAULT_TOKEN, NEW_TOKEN]:
        assert secret not in str(said)
