"""What all tests share: credentials that open nothing, so that no test can reach a real account."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

STACKS = {
    "e2e": "the shared stack",
    "e2e/test_up.py": "stacks by make up",
    "e2e/test_localstack.py": "a stack by the compose file",
    "e2e/test_chaos.py": "a stack that is broken",
    "rights": "a stack that loses rights",
    "stack/test_deploy_on_moto.py": "the template",
}
"""Tests that need a stack, by folder and file: those of one group run in one process and in their order."""

SHARED = {"sam": "the template", "counted": "what a mailing costs"}
"""Fixtures that take long to make: the tests that use one are a group as well."""

ROOM = Path(__file__).parent

os.environ.update(
    AWS_DEFAULT_REGION="us-east-1",
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    POWERTOOLS_LOG_LEVEL="ERROR",
)
os.environ.pop("AWS_PROFILE", None)
os.environ.pop("AWS_ENDPOINT_URL", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stacks first: they take longest, and the second process has all other tests to fill its time with."""
    for item in items:
        file = item.path.relative_to(ROOM)
        stack = STACKS.get(file.as_posix()) or STACKS.get(file.parts[0])
        shared = [group for fixture, group in SHARED.items() if fixture in getattr(item, "fixturenames", ())]
        if stack:
            item.add_marker("stack")
        if stack or shared:
            item.add_marker(pytest.mark.xdist_group(stack or shared[0]))
    items.sort(key=lambda item: item.get_closest_marker("stack") is None)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the service has logged since: its real lines, read."""
    from chalicelib.logs import log

    stream = StringIO()
    before = log.registered_handler.setStream(stream)  # type: ignore[attr-defined]
    log.setLevel("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.setLevel("ERROR")
    log.registered_handler.setStream(before)  # type: ignore[attr-defined]
    log.clear_state()
