"""Every command of docs/OPERATIONS.md, run by bash with the real AWS CLI, and its answer compared with the page's.

A block of sh is run as it stands, but for what the stack has of its own: its port, and the ids of a mailing (12) and of
an import (7). A block of json right after it is its answer: `"..."` there is anything, a number any number.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.deploy import ROOT
from infra.local.simulator import DEFAULT_TOKEN
from infra.local.stack import DevStack

from .conftest import Call
from .test_mailing import await_dead_letters

PAGE = (ROOT / "docs" / "OPERATIONS.md").read_text()
RUSSIAN = (ROOT / "docs" / "OPERATIONS.ru.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
AWS = ROOT / ".venv" / "tools" / "aws" / "bin"
CLIENTS = "phone_number;tag\n79640000001;by hand\n7964;by hand\n"
DONE = "the block has ended with"


def commands_and_answers() -> list[tuple[str, str | None]]:
    blocks = [*BLOCK.findall(PAGE), ("", "")]
    return [
        (text, after if kind == "json" else None) for (name, text), (kind, after) in pairwise(blocks) if name == "sh"
    ]


class Bash:
    """One shell for the whole page: what a block defines, the next ones have."""

    def __init__(self, folder: Path) -> None:
        if not (AWS / "aws").exists():
            pytest.fail(f"{AWS / 'aws'} is missing: run `make test`, which installs it")
        environment = {**os.environ, "PATH": f"{AWS}:{os.environ['PATH']}", "GATEWAY_TOKEN": DEFAULT_TOKEN}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            ["bash"], cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def run(self, block: str) -> str:
        """What it has written; a command that fails fails the test."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"trap 'failed=1' ERR; failed=0\n{block}\necho; echo {DONE} $failed\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(DONE):
                assert line.split()[-1] == "0", (block, lines)
                return "".join(lines)
            lines.append(line)
        raise AssertionError((block, lines))

    def close(self) -> None:
        self._process.communicate("exit\n")


@pytest.fixture
def bash(tmp_path: Path) -> Iterator[Bash]:
    bash = Bash(tmp_path)
    yield bash
    bash.close()


def is_like(shown: Any, real: Any) -> bool:
    if shown == "...":
        return True
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(is_like(shown[name], real[name]) for name in shown)
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(map(is_like, shown, real))
    if type(shown) is int:
        return type(real) is int
    return bool(shown == real)


def announce_later(call: Call) -> int:
    start = datetime.now(UTC) + timedelta(days=1)
    fields = {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=1)).isoformat()}
    mailing_id: int = call("POST", "/Mailing/", json={**fields, "message_text": "by hand"}).json()["id"]
    return mailing_id


def next_import(call: Call) -> int:
    newest = call("GET", "/Clients/import/?limit=1").json()["results"]
    return int(newest[0]["id"]) + 1 if newest else 1


def test_every_command_of_the_page_gives_the_answer_of_the_page(
    stack: DevStack, call: Call, bash: Bash, tmp_path: Path
) -> None:
    (tmp_path / "clients.csv").write_text(CLIENTS)
    boto3.client("sqs").send_message(QueueUrl=stack.outputs["DeadLettersUrl"], MessageBody="garbage")
    mailing_id = announce_later(call)
    own = {r"http://127.0.0.1:4566": stack.aws_url, r"\b12\b": str(mailing_id), r"\b7\b": str(next_import(call))}
    for block, answer in commands_and_answers():
        written = bash.run(with_own(block, own))
        assert "FunctionError" not in written, (block, written)
        if answer is not None:
            real, _ = json.JSONDecoder().raw_decode(written)
            shown = [json.loads(answer), json.loads(with_own(answer, own))]  # 12 may be an example in a text as well
            assert any(is_like(one, real) for one in shown), (block, written)
    assert call("DELETE", f"/Mailing/{mailing_id}/").status_code == 204
    await_dead_letters(call, 1)  # it was put back, cannot be read, and is here again
    boto3.client("sqs").purge_queue(QueueUrl=stack.outputs["DeadLettersUrl"])


def with_own(block: str, own: dict[str, str]) -> str:
    for pattern, value in own.items():
        block = re.sub(pattern, value, block)
    return block


def test_the_page_tells_of_every_function_that_a_person_may_invoke() -> None:
    told = set(re.findall(r"^(?:.*\W)?invoke (\w+) '", PAGE, re.MULTILINE))
    by_hand = {"StartMailing", "Sweep", "SendReport", "ManageTokens", "ManageUsers", "StartImport"}
    assert told == by_hand | {"RedriveDeadLetters"}


def test_the_page_in_russian_has_the_same_commands_and_answers() -> None:
    assert BLOCK.findall(RUSSIAN) == BLOCK.findall(PAGE)
    headings = [re.findall(r"^#+ ", page, re.MULTILINE) for page in (PAGE, RUSSIAN)]
    assert headings[0] == headings[1]
