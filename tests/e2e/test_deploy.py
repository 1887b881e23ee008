"""The deploy: a stage beside another one, an update during a mailing, and the deletion."""

from __future__ import annotations

import compileall
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib import __version__
from chalicelib.settings import Settings
from infra.deploy import ROOT, deploy, package
from infra.deploy.rehearsal import Rehearsal
from infra.deploy.runtime import LAMBDA_PYTHON, RUNNING
from infra.deploy.stored_secrets import has_gateway_token
from infra.deploy.template import table_names
from infra.local.deployment import STACK_NAME, STAGE
from infra.local.simulator import DEFAULT_TOKEN, Simulator
from infra.local.stack import DevStack
from tools.chaos.experiment import make_visible_sooner

from .conftest import Call

CLIENTS = 300
SENDERS_OF_MINISTACK, MESSAGES_OF_A_SENDER = 4, 10
"""MiniStack runs as many senders at once, and passes at most as many messages to each without whole batches."""

VISIBLE_AGAIN = 18
"""Seconds after which the messages of a killed sender are visible again. A claim lasts 16 or more."""

AARCH64 = 183
"""e_machine of an ELF file for 64-bit ARM."""

UNCHECKED = (1).to_bytes(4, "little")
"""Flags of a compiled module that is not compared with its source (PEP 552)."""

MOST_BYTES = 20_000_000
PARTS = ("app.py", "chalicelib", ".chalice", "infra")


def run(*arguments: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.deploy", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def tables() -> set[str]:
    return set(boto3.client("dynamodb").list_tables()["TableNames"])


def test_a_stage_is_deployed_beside_another_one_and_deleted(stack: DevStack, call: Call) -> None:
    before = tables()
    url = {"GATEWAY_URL": "https://sms.example.com"}
    incomplete = run("deploy", "--stage", "prod")
    assert (incomplete.returncode, incomplete.stderr.count("\n")) == (1, 1)
    assert "GATEWAY_URL" in incomplete.stderr
    assert "GATEWAY_TOKEN" in run("deploy", "--stage", "prod", **url).stderr
    assert tables() == before, "nothing is created before all values are given"
    planned = run("deploy", "--stage", "prod", "--plan", **url)
    assert planned.returncode == 0, planned.stderr
    assert re.search("^Add +ClientsTable +AWS::DynamoDB::Table$", planned.stdout, re.MULTILINE)
    assert tables() == before, "a plan changes nothing"
    assert not has_gateway_token("notifications-prod")
    first = run("deploy", "--stage", "prod", GATEWAY_TOKEN="a-secret", **url)
    assert first.returncode == 0, first.stderr
    assert "notifications-prod-ManageTokens" in first.stdout
    assert "a-secret" not in first.stdout + first.stderr
    own = table_names("notifications-prod")
    assert tables() - before == own
    again = run("deploy", "--stage", "prod", SENDER_CONCURRENCY="8")
    assert again.returncode == 0, again.stderr
    assert f"an update from version {__version__} to {__version__}" in again.stdout
    parameters = boto3.client("cloudformation").describe_stacks(StackName="notifications-prod")["Stacks"][0][
        "Parameters"
    ]
    values = {one["ParameterKey"]: one["ParameterValue"] for one in parameters}
    assert (values["GatewayUrl"], values["SenderConcurrency"], values["Stage"]) == (url["GATEWAY_URL"], "8", "prod")
    assert call("GET", "/Stats/").status_code == 200, "the other stage is unchanged"
    assert run("destroy", "--stage", "prod", typed="prod\n").returncode == 1
    down = run("destroy", "--stage", "prod", typed="notifications-prod\n")
    assert down.returncode == 0, down.stderr
    assert tables() - before == own, "the tables stay"
    over = run("deploy", "--stage", "prod", **url)
    assert over.returncode == 0, over.stderr
    assert all(table in over.stdout for table in own), "MiniStack imports tables with literal names, as AWS does"
    assert run("destroy", "--stage", "prod", typed="notifications-prod\n").returncode == 0
    assert run("destroy", "--stage", "prod", "--delete-tables", typed="notifications-prod\n").returncode == 0
    assert tables() == before


def test_a_rehearsal_takes_every_step_and_leaves_nothing(stack: DevStack, simulator: Simulator) -> None:
    before = tables()
    gateway = {"GATEWAY_URL": simulator.url, "GATEWAY_TOKEN": DEFAULT_TOKEN, "GATEWAY_PLAIN_HTTP": "true"}
    assert run("rehearse", "--stage", "trial", typed="trial\n", **gateway).returncode == 1, "not the whole name"
    done = run("rehearse", "--stage", "trial", typed="notifications-trial\n", **gateway)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if re.match(r"\| [a-z]", line)]
    assert [row[1].strip() for row in rows] == [step for step, _ in Rehearsal("", "", {}, {}).steps()]
    assert {row[2].strip() for row in rows} == {"ok"}
    assert tables() == before


@pytest.fixture
def shorter_visibility_timeout(stack: DevStack) -> Iterator[None]:
    """Shortens the visibility timeout of 90 s in the template, so that the test does not wait for it."""
    queue = stack.outputs["SendQueueUrl"]
    names = ["VisibilityTimeout"]
    before = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    make_visible_sooner(queue, VISIBLE_AGAIN)
    yield
    make_visible_sooner(queue, int(before["VisibilityTimeout"]))


@pytest.fixture
def most_in_hand(pytestconfig: pytest.Config) -> int:
    """The most posts under way at once. LocalStack runs one sender, and passes up to 100 messages to it."""
    if pytestconfig.getoption("localstack"):
        return Settings().sender_threads
    return SENDERS_OF_MINISTACK * MESSAGES_OF_A_SENDER


@pytest.mark.usefixtures("shorter_visibility_timeout")
def test_a_deploy_during_a_mailing_loses_no_message(
    stack: DevStack,
    call: Call,
    simulator: Simulator,
    finished: Callable[..., dict[str, Any]],
    most_in_hand: int,
    tmp_path: Path,
) -> None:
    """AWS lets running invocations finish. The emulators kill them, and their posts are repeated with the same ids."""
    rows = "\n".join(f"{79_680_000_000 + number};deploy" for number in range(CLIENTS))
    body = f"phone_number;tag\n{rows}\n".encode()
    headers = {"Content-Type": "application/octet-stream"}
    one = call("POST", "/Clients/import/?file_name=a.csv", data=body, headers=headers).json()
    deadline = time.monotonic() + 60
    while call("GET", f"/Clients/import/{one['id']}/").json()["status"] != "finished":
        assert time.monotonic() < deadline
        time.sleep(0.3)
    project = changed_project(tmp_path)
    package(STAGE, project)  # downloads packages now, so that the deploy is fast
    simulator.behave(latency=5.0)
    now = datetime.now(UTC)
    fields = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    mailing = call("POST", "/Mailing/", json={**fields, "message_text": "deploy", "filter_tag": "deploy"}).json()
    while simulator.seen.summary()["accepted"] < 20:
        time.sleep(0.1)
    deploy(STAGE, STACK_NAME, {}, project)
    seen_by_then = simulator.seen.summary()["accepted"]
    assert seen_by_then < CLIENTS, "the mailing was still running"
    simulator.behave()
    stats = finished(mailing["id"], 400)
    assert stats["messages"]["sent"] == CLIENTS
    assert {message["id"] for message in stats["results"]} <= set(simulator.seen.accepted)
    assert simulator.seen.summary()["distinct"] == CLIENTS
    assert simulator.seen.summary()["repeated"] <= most_in_hand
    assert call("GET", f"/Clients/import/{one['id']}/").json()["added"] == CLIENTS, "earlier objects still exist"


def changed_project(place: Path) -> Path:
    """The same service with one more comment in its sender: the code differs, so every function is replaced."""
    for part in PARTS:
        copier = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copier(ROOT / part, place / part)
    with (place / "chalicelib" / "delivery" / "sender.py").open("a") as code:
        code.write("# deployed anew\n")
    return place


def test_the_package_is_small_and_built_for_the_machines_of_aws() -> None:
    archive = package("prod") / "deployment.zip"
    assert archive.stat().st_size < MOST_BYTES
    with zipfile.ZipFile(archive) as files:
        compiled = {name: files.read(name)[:20] for name in files.namelist() if name.endswith(".so")}
    assert compiled, "no library has compiled code, so this test checks nothing"
    assert {head[:4] for head in compiled.values()} == {b"\x7fELF"}
    assert {int.from_bytes(head[18:20], "little") for head in compiled.values()} == {AARCH64}


def test_a_cold_start_finds_its_imports_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled for the Python version that the functions run on, and readable for any user."""
    compileall.compile_dir(ROOT / "chalicelib", quiet=1)  # left by a test run; must not be packaged
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    stage = "prod" if LAMBDA_PYTHON == RUNNING else STAGE
    with zipfile.ZipFile(package(stage) / "deployment.zip") as files:
        assert len(set(files.namelist())) == len(files.namelist())
        modules = [name for name in files.namelist() if name.endswith(".py")]
        compiled = [files.getinfo(importlib.util.cache_from_source(name)) for name in modules]
        heads = {files.read(entry)[:8] for entry in compiled}
    assert "chalicelib/delivery/sender.py" in modules
    assert heads == {importlib.util.MAGIC_NUMBER + UNCHECKED}
    assert all(entry.external_attr >> 16 & 0o444 == 0o444 for entry in compiled)
