"""The demo compares both ends: the file with its filter, the statistics, and the messages that the gateway received."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.gateways.port import Sms
from infra.local.demo import NEXT, Bar, Demo
from infra.local.local_settings import LocalSettings
from infra.local.seed import LOCAL_PASSWORD, LOCAL_USER
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

CHOSEN = {"79770000001", "79770000002"}
FINISHED = {"status": "finished", "messages": {"total": 2, "queued": 0, "sent": 2, "failed": 0}}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    stack = DevStack(LocalSettings(), tmp_path)
    stack.simulator = Simulator().start()
    yield Demo(stack)
    stack.stop()


def post(demo: Demo, *ids: int) -> None:
    """The gateway accepts these messages, one after the other."""
    for number in ids:
        demo.simulator.seen.accept(Sms(number, "79770000001", "Hello"), datetime.now(UTC))


def test_a_demo_that_accounts_for_all_messages_succeeds(demo: Demo) -> None:
    post(demo, 11, 12)
    assert demo._verdict(FINISHED, CHOSEN) == 0


@pytest.mark.parametrize(
    ("changed", "posts", "reason"),
    [
        ({}, [11], "the gateway should have received 2 ids"),
        ({}, [11, 12, 12], "the gateway should have received 2 ids"),
        ({"messages": {"total": 2, "queued": 0, "sent": 1, "failed": 1}}, [11, 12], "the statistics should be"),
        ({"messages": {"total": 1, "queued": 0, "sent": 1, "failed": 0}}, [11, 12], "the statistics should be"),
        ({"status": "running"}, [11, 12], "the mailing is running"),
    ],
)
def test_a_demo_fails_if_one_message_is_not_accounted_for(
    changed: dict[str, Any], posts: list[int], reason: str, demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    post(demo, *posts)
    assert demo._verdict({**FINISHED, **changed}, CHOSEN) == 1
    assert reason in capsys.readouterr().err


def test_the_last_lines_have_the_address_of_the_console() -> None:
    assert "http://127.0.0.1:8000/console/" in NEXT
    assert f"user {LOCAL_USER}, password {LOCAL_PASSWORD}" in NEXT


def test_progress_in_a_log_is_a_line_for_each_status(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    for what, done in [("scheduled", 0), ("running", 1), ("running", 2), ("finished", 4)]:
        bar.show(what, done, 4, is_last=what == "finished")
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["scheduled", "running", "finished"]
