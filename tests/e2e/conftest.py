"""The whole stack, once for all end-to-end tests: MiniStack, the deployed template, the simulator and the front."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from infra.local.doubles.aws import forget_connections
from infra.local.local_settings import any_settings
from infra.local.localstack_core import LocalStackCore
from infra.local.seed import LOCAL_TOKEN
from infra.local.simulator import Simulator
from infra.local.stack import DevStack
from tests.rights.trail import refusals

from . import localstack

Call = Callable[..., requests.Response]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("localstack"):
        localstack.mark(items)


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevStack]:
    """Points AWS clients of this process to the stack while it runs, and restores the environment afterwards."""
    on_localstack = request.config.getoption("localstack")
    new_stack = LocalStackCore if on_localstack else DevStack
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "")  # restored after the tests
        environment.setenv("POWERTOOLS_LOG_LEVEL", "INFO")
        forget_connections()
        balance_alarm = "" if on_localstack else "100"  # the gateway of the contract tells no balance
        settings = replace(any_settings(), receipts=True, whole_batches=False, balance_alarm=balance_alarm)
        with new_stack(settings, tmp_path_factory.mktemp("logs"), print_line=lambda line: None) as stack:
            yield stack
            if not on_localstack:  # LocalStack enforces no IAM
                assert refusals(stack.iam_trail) == [], "a retry may hide a refused call from the tests"
    forget_connections()


@pytest.fixture
def call(stack: DevStack) -> Call:
    """`call("GET", "/Clients/")` with the contract's token, unless other headers are given."""

    def call(method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Token {LOCAL_TOKEN}", **options.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        return requests.request(method, stack.url + path, headers=headers, timeout=30, **options)

    return call


@pytest.fixture
def simulator(stack: DevStack) -> Iterator[Simulator]:
    """The simulator with its default behaviour and without received messages, before and after the test."""
    assert stack.simulator is not None
    stack.simulator.behave()
    stack.simulator.forget()
    yield stack.simulator
    stack.simulator.behave()


@pytest.fixture
def finished(call: Call) -> Callable[[int], dict[str, Any]]:
    """Waits until a mailing is finished, and returns its statistics."""

    def finished(mailing_id: int, seconds: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            stats: dict[str, Any] = call("GET", f"/Stats/{mailing_id}/").json()
            if stats["status"] == "finished":
                return stats
            time.sleep(0.3)
        raise AssertionError(f"not finished within {seconds} s: {stats}")

    return finished
