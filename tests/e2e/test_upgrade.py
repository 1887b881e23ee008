"""An update from the previous release in the middle of a mailing, and a rollback to it: one code sends a part, and the
other one the rest.

There is no git tag yet. The previous release is the code of PREVIOUS, the last commit before the work on upgrades
began; set it to the tag of the release when there is one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import EraseTraces
from infra.deploy import ROOT, package
from infra.deploy.template import table_names
from infra.local.deployment import STACK_NAME, STAGE, api_url, deploy_local
from infra.local.doubles.aws import forget_connections
from infra.local.front import Front
from infra.local.local_settings import any_settings
from infra.local.seed import LOCAL_TOKEN
from infra.local.stack import DevStack
from tests.rights.trail import refusals
from tools.chaos.experiment import make_visible_sooner

PREVIOUS = "6a69c68"
CLIENTS = 400
SENT_BEFORE = 40
"""Messages that are sent before the deploy."""

MOST_IN_HAND = 40
"""MiniStack runs four senders with ten messages each. It kills them at a deploy, and their posts are repeated."""

VISIBLE_AGAIN = 18
"""Seconds after which the messages of a killed sender are visible again. A claim lasts 16 or more."""

DEPLOY_OLD = """
import json, sys
from infra.local.deployment import deploy_local
print(json.dumps(deploy_local(*sys.argv[1:3], True, False)))
"""


class ChangedStack(DevStack):
    """A stack that gets the code and the template of the previous release, by its own tool, before or after this one's.

    `project` has the files of the previous release; `begins_old`: whether it is deployed first.
    """

    project: Path
    begins_old: bool

    def _deploy(self, gateway_url: str) -> None:
        self.outputs = self._deploy_old(gateway_url) if self.begins_old else self._deploy_new(gateway_url)

    def _deploy_new(self, gateway_url: str) -> dict[str, str]:
        return deploy_local({"GatewayUrl": gateway_url}, self.settings.token)

    def _deploy_old(self, gateway_url: str) -> dict[str, str]:
        command = [sys.executable, "-c", DEPLOY_OLD, gateway_url, self.settings.token]
        done = subprocess.run(
            command, cwd=self.project, env=dict(os.environ), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        outputs: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return outputs

    def update(self) -> None:
        """Deploy this release."""
        self._change(self._deploy_new)

    def roll_back(self) -> None:
        """Deploy the previous release."""
        self._change(self._deploy_old)

    def _change(self, deploy: Callable[[str], dict[str, str]]) -> None:
        """MiniStack makes the API anew if its routes change, so the front is led there."""
        assert self.simulator is not None
        assert self._front is not None
        self.outputs = deploy(self.simulator.url)
        self._front.stop()
        self._front = Front(self.settings.port, api_url(self.aws_url, self.outputs))
        self._front.start()


def checked_out(commit: str, place: Path) -> Path:
    """The files of a commit, with the packages that this checkout has downloaded."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode != 0:
        pytest.skip(f"the commit {commit} is not in this clone: git fetch --unshallow")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(place, filter="data")
    (ROOT / "build" / "dependencies").mkdir(parents=True, exist_ok=True)
    (place / "build").mkdir()
    (place / "build" / "dependencies").symlink_to(ROOT / "build" / "dependencies")
    return place


@contextmanager
def changed_stack(place: Path, begins_old: bool) -> Iterator[ChangedStack]:
    project = checked_out(PREVIOUS, place / "previous")
    (place / "logs").mkdir()
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "")  # restored after the test
        forget_connections()
        stack = ChangedStack(replace(any_settings(), whole_batches=False), place / "logs", print_line=lambda line: None)
        stack.project, stack.begins_old = project, begins_old
        with stack:
            yield stack
    forget_connections()


@pytest.fixture
def previous(tmp_path: Path) -> Iterator[ChangedStack]:
    with changed_stack(tmp_path, begins_old=True) as stack:
        yield stack


@pytest.fixture
def current(tmp_path: Path) -> Iterator[ChangedStack]:
    with changed_stack(tmp_path, begins_old=False) as stack:
        yield stack


def call(stack: DevStack, method: str, path: str, **options: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Token {LOCAL_TOKEN}", **options.pop("headers", {})}
    answer = requests.request(method, stack.url + path, headers=headers, timeout=30, **options)
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()
    return found


def add_clients(stack: DevStack) -> None:
    rows = "\n".join(f"{79_680_000_000 + number};upgrade" for number in range(CLIENTS))
    headers = {"Content-Type": "application/octet-stream"}
    body = f"phone_number;tag\n{rows}\n".encode()
    number = call(stack, "POST", "/Clients/import/?file_name=a.csv", data=body, headers=headers)["id"]
    await_status(stack, f"/Clients/import/{number}/", 60)


def await_status(stack: DevStack, path: str, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = call(stack, "GET", path)
        if found["status"] == "finished":
            return found
        time.sleep(0.3)
    raise AssertionError(f"not finished within {seconds} s: {found}")


def half_a_mailing(stack: ChangedStack) -> int:
    """Let the deployed code send a part of a mailing to all clients; returns its id."""
    add_clients(stack)
    make_visible_sooner(stack.outputs["SendQueueUrl"], VISIBLE_AGAIN)
    assert stack.simulator is not None
    stack.simulator.behave(latency=5.0)
    now = datetime.now(UTC)
    dates = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    mailing = call(stack, "POST", "/Mailing/", json={**dates, "message_text": "Hello", "filter_tag": "upgrade"})
    while stack.simulator.seen.summary()["accepted"] < SENT_BEFORE:
        time.sleep(0.1)
    return int(mailing["id"])


def assert_finished(stack: ChangedStack, mailing_id: int) -> None:
    """The code that is deployed now finishes the mailing, and every client got one message."""
    assert stack.simulator is not None
    seen = stack.simulator.seen
    assert SENT_BEFORE <= seen.summary()["distinct"] < CLIENTS, "the deploy came in the middle of the mailing"
    stack.simulator.behave()
    stats = await_status(stack, f"/Stats/{mailing_id}/", 150)
    assert (stats["messages"]["sent"], stats["messages"]["total"]) == (CLIENTS, CLIENTS)
    assert seen.summary()["distinct"] == CLIENTS, "nobody was left out, and nobody got a second message id"
    assert seen.summary()["repeated"] <= MOST_IN_HAND
    assert refusals(stack.iam_trail) == []


def test_a_mailing_of_the_previous_release_is_finished_by_this_one(previous: ChangedStack) -> None:
    package(STAGE)  # now, so that the deploy is fast
    mailing_id = half_a_mailing(previous)
    previous.update()
    assert_finished(previous, mailing_id)


def test_a_mailing_of_this_release_is_finished_by_the_previous_one_after_a_rollback(current: ChangedStack) -> None:
    """An erasure that is under way waits as a dead letter for the next upgrade, which finds all tables again."""
    mailing_id = half_a_mailing(current)
    body = to_body(EraseTraces("client#1"))
    current.roll_back()
    boto3.client("sqs").send_message(QueueUrl=current.outputs["JobsQueueUrl"], MessageBody=body)
    assert_finished(current, mailing_id)
    waiting = boto3.client("sqs").receive_message(QueueUrl=current.outputs["DeadLettersUrl"], VisibilityTimeout=0)
    assert [one["Body"] for one in waiting["Messages"]] == [body]

    current.update()

    assert call(current, "GET", f"/Stats/{mailing_id}/")["messages"]["sent"] == CLIENTS
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    assert set(tables) >= table_names(STACK_NAME)
