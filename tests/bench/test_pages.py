"""Tables in docs/ that a simulation prints with fixed seeds are those that it prints now."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import rate_races

PERFORMANCE = (Path(__file__).parents[2] / "docs" / "PERFORMANCE.md").read_text()


def test_the_page_has_the_races_for_permits_as_they_are_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    rate_races.main()
    printed = capsys.readouterr().out
    assert printed.count("\n") > 5
    assert printed in PERFORMANCE
