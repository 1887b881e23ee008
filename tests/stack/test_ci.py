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


def test_check_and_test_run_in_the_same_number_of_processes_and_check_skips_tests_with_a_stack() -> None:
    makefile = (ROOT / "Makefile").read_text()
    commands = {name: re.search(rf"^{name}:.*\n\t(.+)$", makefile, re.MULTILINE) for name in ("check", "test")}
    check, test = (found[1] if found else "" for found in commands.values())
    assert "$(WORKERS)" in test
    assert check.replace('-m "not stack" ', "").replace("TEST_DEPTH=quick ", "") == test, "and the test at full depth"
