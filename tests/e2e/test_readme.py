"""The commands of the README, run by bash unchanged: the first mailing is sent, and the published calls work."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .conftest import Call
from .test_contract import COMMANDS

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
FIRST_MAILING = next(block for block in BLOCKS if "START=" in block)
PUBLISHED = next(block for block in BLOCKS if "http://0.0.0.0:8000" in block).splitlines()
PUBLISHED_ANSWERS = [201, 200, 204, 201, 200, 200, 200, 204]


def run(commands: str, stack: DevStack) -> str:
    """Returns the output of bash. The port is that of the test."""
    commands = commands.replace(":8000/", f":{stack.settings.port}/")
    done = subprocess.run(["bash", "-euc", commands], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def answers(written: str) -> list[dict[str, Any]]:
    """Parses consecutive JSON documents."""
    found, at = [], 0
    while at < len(written):
        document, at = json.JSONDecoder().raw_decode(written, at)
        found.append(document)
        at += len(written[at:]) - len(written[at:].lstrip())
    return found


def test_the_first_mailing_takes_three_calls(
    stack: DevStack, simulator: Simulator, call: Call, finished: Callable[[int], dict[str, Any]]
) -> None:
    assert FIRST_MAILING.count("curl ") == 3
    client, mailing, stats = answers(run(FIRST_MAILING, stack))
    try:
        assert mailing["id"] in [shown["id"] for shown in stats["results"]]
        assert finished(mailing["id"])["messages"]["sent"] == 1
        (message,) = simulator.seen.messages.values()
        assert message["text"] == mailing["message_text"]
    finally:
        call("DELETE", f"/Mailing/{mailing['id']}/")
        call("DELETE", f"/Clients/{client['id']}/")


def test_the_published_calls_work_in_the_order_of_the_readme(stack: DevStack) -> None:
    """The ids in the README are 2, as on a new stack. Here they are those that the two POSTs return."""
    ids: dict[str, int] = {}
    for command, expected in zip(PUBLISHED, PUBLISHED_ANSWERS, strict=True):
        room = "Clients" if "/Clients/" in command else "Mailing"
        own = re.sub(r"/2/ ", f"/{ids.get(room, 0)}/ ", command)
        body, _, status = run(f"{own} -s -w '\\n%{{http_code}}'", stack).rpartition("\n")
        assert int(status) == expected, (own, body)
        if expected == 201:
            ids[room] = json.loads(body)["id"]


def test_the_published_calls_are_those_of_the_contract() -> None:
    assert {shape(command) for command in PUBLISHED} == {shape(command) for command in COMMANDS}


def shape(command: str) -> str:
    """The document without ids and without the spaces that align the columns."""
    return " ".join(re.sub(r"/(2|{client}|{mailing})/ ", "/{id}/ ", command).split())
