"""The commands as a person runs them: a question without an answer, and an interruption."""

from __future__ import annotations

import io
import sys

import pytest

from infra.deploy.__main__ import main
from infra.deploy.stack import change_stack

from .conftest import STACK_NAME, Cloud


def destroys(monkeypatch: pytest.MonkeyPatch, typed: str) -> int:
    monkeypatch.setattr(sys, "argv", ["infra.deploy", "destroy", "--stage", "prod"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    return main()


def test_a_deletion_that_nobody_can_confirm_changes_nothing(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In CI there is nobody to type the name of the stack."""
    change_stack(cloud.deployment())
    for typed in ("", "prod\n"):
        assert destroys(monkeypatch, typed) == 1
        assert capsys.readouterr().out.endswith("Nothing was changed.\n")
    assert cloud.status() == "UPDATE_COMPLETE"


def test_an_interruption_says_that_cloudformation_goes_on(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        if cloud.asked("cloudformation.DeleteStack"):
            raise KeyboardInterrupt

    change_stack(cloud.deployment())
    cloud.cloudformation.before_answers = interrupt
    assert destroys(monkeypatch, f"{STACK_NAME}\n") == 130
    assert "destroy: interrupted. CloudFormation goes on with what it has begun" in capsys.readouterr().err
