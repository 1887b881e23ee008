"""Every command of docs/OPERATIONS.md, run by bash with the real AWS CLI, and its answer compared with the page's.

The stack has its own port, and its own ids of a mailing (12 on the page) and of an import (7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from infra.deploy import ROOT
from infra.local.stack import DevStack

from .conftest import Call
from .pages import BLOCK, Bash, run_page
from .test_mailing import await_dead_letters

PAGE = (ROOT / "docs" / "OPERATIONS.md").read_text()
RUSSIAN = (ROOT / "docs" / "OPERATIONS.ru.md").read_text()
CLIENTS = "phone_number;tag\n79640000001;by hand\n7964;by hand\n"


@pytest.fixture
def bash(tmp_path: Path) -> Iterator[Bash]:
    bash = Bash(tmp_path)
    yield bash
    bash.close()


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
    run_page(PAGE, bash, own)
    assert call("DELETE", f"/Mailing/{mailing_id}/").status_code == 204
    await_dead_letters(call, 1)  # it was put back, cannot be read, and is here again
    boto3.client("sqs").purge_queue(QueueUrl=stack.outputs["DeadLettersUrl"])


def test_the_page_names_every_function_that_a_person_may_invoke() -> None:
    told = set(re.findall(r"^(?:.*\W)?invoke (\w+) '", PAGE, re.MULTILINE))
    by_hand = {"StartMailing", "Sweep", "SendReport", "ManageTokens", "ManageUsers", "StartImport"}
    assert told == by_hand | {"RedriveDeadLetters"}


def test_the_russian_page_has_the_same_commands_and_answers() -> None:
    assert BLOCK.findall(RUSSIAN) == BLOCK.findall(PAGE)
    headings = [re.findall(r"^#+ ", page, re.MULTILINE) for page in (PAGE, RUSSIAN)]
    assert headings[0] == headings[1]
