"""Runs the commands of a page in docs/ on the local stack, and compares their answers with the page's.

A block of `sh` is run as it stands, except for the ports and ids of the stack. A block of `json` right after
it is its answer: `"..."` there matches any value, a number any number. Blocks of another language are not run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import ROOT
from infra.local.simulator import DEFAULT_TOKEN

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
AWS = ROOT / ".venv" / "tools" / "aws" / "bin"
DONE = "the block has ended with"


class Bash:
    """One shell for a whole page: later blocks have the variables of earlier ones."""

    def __init__(self, folder: Path) -> None:
        if not (AWS / "aws").exists() and not shutil.which("aws"):
            pytest.fail(f"{AWS / 'aws'} is missing: run `make test`, which installs it")
        environment = {**os.environ, "PATH": f"{AWS}:{os.environ['PATH']}", "GATEWAY_TOKEN": DEFAULT_TOKEN}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            ["bash"], cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def run(self, block: str) -> str:
        """Returns the output. A command that fails fails the test."""
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


def run_page(page: str, bash: Bash, own: Mapping[str, str]) -> None:
    """`own`: patterns of the page, each with its value on this stack."""
    for block, answer in commands_and_answers(page):
        written = bash.run(with_own(block, own))
        assert "FunctionError" not in written, (block, written)
        if answer is not None:
            real, _ = json.JSONDecoder().raw_decode(written)
            shown = [json.loads(answer), json.loads(with_own(answer, own))]  # an id may be an example in a text as well
            assert any(is_like(one, real) for one in shown), (block, written)


def commands_and_answers(page: str) -> list[tuple[str, str | None]]:
    blocks = [*BLOCK.findall(page), ("", "")]
    return [
        (text, after if kind == "json" else None) for (name, text), (kind, after) in pairwise(blocks) if name == "sh"
    ]


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


def with_own(block: str, own: Mapping[str, str]) -> str:
    for pattern, value in own.items():
        block = re.sub(pattern, value, block)
    return block
