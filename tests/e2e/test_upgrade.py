"""An update from the previous release in the middle of a mailing: the old code sends a part, the new code the rest.

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
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.deploy import ROOT, package
from infra.local.deployment import STAGE, api_url, deploy_local
from infra.local.doubles.aws import forget_connections
from infra.local.front import Front
from infra.local.seed import LOCAL_TOKEN
from infra.local.stack import DevStack, any_settings
from tests.rights.trail import refusals
from tools.chaos.experiment import make_visible_sooner

PREVIOUS = "6a69c68"
CLIENTS = 400
SENT_BY_THE_OLD_CODE = 40
MOST_IN_HAND = 40
"""MiniStack runs four senders with ten messages each. It kills them at a deploy, and their posts are repeated."""

VISIBLE_AGAIN = 18
"""Seconds after which the messages of a killed sender are visible again. A claim lasts 16 or more."""

DEPLOY_OLD = """
import json, sys
from infra.local.deployment import deploy_local
print(json.dumps(deploy_local(*sys.argv[1:3], True, False)))
"""


class PreviousStack(DevStack):
    """The stack with the code and the template of the previous release, deployed by its own tool."""

    project: Path

    def _deploy(self, gateway_url: str) -> None:
        command = [sys.executable, "-c", DEPLOY_OLD, gateway_url, self.settings.gateway_token]
        done = subprocess.run(
            command, cwd=self.project, env=dict(os.environ), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        self.outputs = json.loads(done.stdout.splitlines()[-1])

    def update(self) -> None:
        """Deploy this release. MiniStack makes the API anew if its routes change, so the front is led there."""
        assert self.simulator is not None
        assert self._front is not None
        self.outputs = deploy_local({"GatewayUrl": self.simulator.url}, self.settings.gateway_token)
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


@pytest.fixture
def previous(tmp_path: Path) -> Iterator[PreviousStack]:
    project = checked_out(PREVIOUS, tmp_path / "previous")
    (tmp_path / "logs").mkdir()
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "")  # restored after the test
        forget_connections()
        stack = PreviousStack(
            replace(any_settings(), whole_batches=False), tmp_path / "logs", print_line=lambda line: None
        )
        stack.project = project
        with stack:
            yield stack
    forget_connections()


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


def test_a_mailing_of_the_previous_release_is_finished_by_this_one(previous: PreviousStack) -> None:
    add_clients(previous)
    package(STAGE)  # now, so that the deploy is fast
    make_visible_sooner(previous.outputs["SendQueueUrl"], VISIBLE_AGAIN)
    simulator = previous.simulator
    assert simulator is not None
    simulator.behave(latency=5.0)
    now = datetime.now(UTC)
    dates = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    mailing = call(previous, "POST", "/Mailing/", json={**dates, "message_text": "Hello", "filter_tag": "upgrade"})
    while simulator.seen.summary()["accepted"] < SENT_BY_THE_OLD_CODE:
        time.sleep(0.1)

    previous.update()

    sent_before = simulator.seen.summary()["distinct"]
    assert SENT_BY_THE_OLD_CODE <= sent_before < CLIENTS, "the update came in the middle of the mailing"
    simulator.behave()
    stats = await_status(previous, f"/Stats/{mailing['id']}/", 150)
    assert (stats["messages"]["sent"], stats["messages"]["total"]) == (CLIENTS, CLIENTS)
    assert simulator.seen.summary()["distinct"] == CLIENTS, "nobody was left out, and nobody got a second message id"
    assert simulator.seen.summary()["repeated"] <= MOST_IN_HAND
    assert refusals(previous.iam_trail) == []
