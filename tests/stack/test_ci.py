"""CI calls only our make targets, so that a fork of the project has the same checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [".github/workflows/ci.yml", ".gitlab-ci.yml", ".ci/run"]


@pytest.mark.parametrize("name", FILES)
def test_ci_calls_existing_targets_and_runs_the_tests(name: str) -> None:
    called = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / name).read_text()))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"test", "localstack-test"} <= called
    assert called <= targets


def test_check_runs_the_tests_without_a_stack_at_quick_depth_and_test_runs_all_at_full_depth() -> None:
    """In the check a third process works while the others wait for a socket. In the test the third one is a stack."""
    makefile = (ROOT / "Makefile").read_text()
    commands = {name: re.search(rf"^{name}:.*\n\t@(.+)$", makefile, re.MULTILINE) for name in ("check", "test")}
    check, test = (found[1] if found else "" for found in commands.values())
    assert test == "$(BIN)/python -m pytest $(WORKERS) $(PYTEST)"
    assert check == 'TEST_DEPTH=quick $(BIN)/python -m pytest --numprocesses=3 -m "not stack" $(PYTEST)'
