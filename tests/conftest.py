"""Shared by all tests: invalid credentials, so that no test can reach a real account."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from tests.depth import depth
from tests.processes import make_scheduler, needs_stack, order_of

ROOM = Path(__file__).parent

os.environ.update(
    AWS_DEFAULT_REGION="us-east-1",
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_LOG_LEVEL="ERROR",
)
os.environ.pop("AWS_PROFILE", None)
os.environ.pop("AWS_ENDPOINT_URL", None)

# Each session of botocore parses the descriptions of the services, which takes 50 ms. Hundreds of tests have their own.
botocore.session.create_loader = cache(botocore.session.create_loader)

# Hypothesis fails slow examples by default: on a busy machine that fails correct tests.
settings.register_profile(
    "busy_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=depth(full=100, quick=20)
)
settings.load_profile("busy_machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "run the end-to-end tests on LocalStack's core, see tests/e2e/localstack.py"
    parser.addoption("--localstack", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """A process of pytest-xdist ends at once: to free its objects one by one takes two seconds."""
    if hasattr(config, "workerinput"):
        atexit.register(os._exit, 0)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Each process imports what it collects: a run without a stack leaves out the files that need one."""
    leaves_out = config.option.markexpr == "not stack" and collection_path.is_relative_to(ROOM)
    return True if leaves_out and needs_stack(collection_path.relative_to(ROOM).as_posix()) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that need a stack, and puts all tests into the order in which the processes take them."""
    for item in items:
        if needs_stack(_path_of(item)):
            item.add_marker("stack")
    items.sort(key=lambda item: order_of(_path_of(item)))


def _path_of(item: pytest.Item) -> str:
    return item.path.relative_to(ROOM).as_posix()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return make_scheduler(config, log)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines that the service has logged since the last call, parsed."""
    from chalicelib.logs import log

    stream = StringIO()
    before = log.registered_handler.setStream(stream)  # type: ignore[attr-defined]
    log.setLevel("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.setLevel("ERROR")
    log.registered_handler.setStream(before)  # type: ignore[attr-defined]
    log.clear_state()
