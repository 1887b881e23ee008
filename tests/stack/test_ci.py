"""Whoever forks the project has the same checks: CI calls our make targets and nothing of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [".github/workflows/ci.yml", ".gitlab-ci.yml", ".ci/run"]


@pytest.mark.parametrize("name", FILES)
def test_ci_runs_targets_that_are_there_and_the_tests_among_them(name: str) -> None:
    called = set(re.findall(r"\bmake ([a-z]+)", (ROOT / name).read_text()))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert "test" in called
    assert called <= targets


def test_both_targets_run_in_as_many_processes_and_only_one_leaves_out_what_needs_a_stack() -> None:
    makefile = (ROOT / "Makefile").read_text()
    commands = {name: re.search(rf"^{name}:.*\n\t(.+)$", makefile, re.MULTILINE) for name in ("check", "test")}
    check, test = (found[1] if found else "" for found in commands.values())
    assert "$(WORKERS)" in test
    assert check.replace('-m "not stack" ', "") == test
