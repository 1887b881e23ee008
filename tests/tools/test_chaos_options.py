"""The options of `make chaos`."""

from __future__ import annotations

import sys

import pytest

from tools.chaos.__main__ import SCENARIOS, main


@pytest.mark.parametrize(("options", "kind"), [([], "scenario"), (["--quick"], "quick scenario")])
def test_a_name_without_a_scenario_is_answered_with_those_that_can_be_chosen(
    options: list[str], kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["chaos", *options, "--only", "no such name"])
    assert main() == 2
    said = capsys.readouterr().err
    assert said.startswith(f"chaos: no {kind} has 'no such name' in its name: ")
    offered = said.split(": ", 2)[2].strip().split("; ")
    assert offered == [item.name for item in SCENARIOS if item.is_quick or not options]
