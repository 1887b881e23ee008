"""The rehearsal: what it refuses, how it ends at a step that fails, and its stand-in for the gateway."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.deploy import ROOT, DeployFailed, put_gateway_token
from infra.deploy.rehearsal import FAILURE, Rehearsal, rehearse, require_unused, with_failure
from infra.deploy.rehearsal_job import require_sent
from infra.deploy.stack import change_stack
from infra.deploy.stored_secrets import delete_secrets

from .conftest import STACK_NAME, Cloud
from .test_takeover import tables

STAND_IN = ROOT / "infra" / "deploy" / "stand_in_gateway.json"
TOKEN = "0123456789abcdef"


def test_a_stage_that_exists_is_not_rehearsed(cloud: Cloud) -> None:
    require_unused(STACK_NAME)
    put_gateway_token(STACK_NAME, "token")
    with pytest.raises(DeployFailed, match="its secrets"):
        require_unused(STACK_NAME)
    delete_secrets(STACK_NAME)
    change_stack(cloud.deployment())
    with pytest.raises(DeployFailed, match=f"the table {STACK_NAME}-clients.*the stack.*choose a stage"):
        require_unused(STACK_NAME)


def test_the_failure_comes_after_the_tables_and_is_undone(cloud: Cloud) -> None:
    deployment = with_failure(cloud.deployment())
    assert deployment.template["Resources"][FAILURE]["DependsOn"] == ["ClientsTable", "MessagesTable"]
    cloud.cloudformation.fails = {FAILURE: "WaitCondition timed out. Received 0 conditions when expecting 1"}
    with pytest.raises(DeployFailed, match=f"{FAILURE}.*timed out"):
        change_stack(deployment)
    assert tables() == []


def test_after_a_step_that_fails_no_other_is_taken(cloud: Cloud) -> None:
    class Failing(Rehearsal):
        def steps(self) -> list[Any]:
            return [("first", lambda: "seen"), ("second", self.fail), ("third", lambda: "never")]

        def fail(self) -> str:
            raise DeployFailed("the reason")

    lines: list[str] = []
    results = rehearse(Failing("prod", STACK_NAME, {}, ""), lines.append)
    assert [(one.step, one.passed, one.seen) for one in results] == [
        ("first", True, "seen"),
        ("second", False, "the reason"),
    ]
    assert "FAILED" in lines[-1]


def test_a_message_that_is_not_sent_or_not_counted_fails_the_rehearsal() -> None:
    def stats(sent: int, *attempts: int) -> dict[str, Any]:
        results = [{"attempts": number, "last_error": "404"} for number in attempts]
        return {"messages": {"sent": sent}, "results": results}

    assert require_sent(stats(2, 1, 1), 2) == "2 sent, attempts [1, 1]"
    for wrong in (stats(1, 1, 1), stats(2, 1, 0), stats(2, 1)):
        with pytest.raises(DeployFailed, match="errors: 404"):
            require_sent(wrong, 2)


def test_the_page_has_the_steps_of_the_rehearsal() -> None:
    page = (ROOT / "docs" / "FIRST_ACCOUNT.md").read_text()
    table = page.partition("## 3. The rehearsal")[2].partition("\n## ")[0]
    shown = re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)
    assert shown[1:] == [step for step, _ in Rehearsal("", "", {}, {}).steps()]


def test_the_stand_in_accepts_a_message_with_its_token_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", TOKEN)
    function = json.loads(STAND_IN.read_text())["Resources"]["Gateway"]["Properties"]
    code: dict[str, Any] = {}
    exec("\n".join(function["Code"]["ZipFile"]["Fn::Join"][1]), code)

    def answer(token: str, path: str = "/v1/send/7", method: str = "POST") -> tuple[int, Any]:
        context = {"http": {"method": method}}
        event = {"headers": {"authorization": f"Bearer {token}"}, "rawPath": path, "requestContext": context}
        answered = code["accept"](event, None)
        return answered["statusCode"], json.loads(answered["body"])

    assert answer(TOKEN) == (200, {"code": 0, "message": "OK"})
    assert answer("another")[0] == 401
    assert answer(TOKEN, path="/")[0] == 404
    assert answer(TOKEN, method="GET")[0] == 404


def test_the_template_of_the_stand_in_can_be_deployed() -> None:
    from cfnlint import lint_file  # here: the import takes a second of every process that collects this file
    from cfnlint.config import ManualArgs

    assert [str(match) for match in lint_file(STAND_IN, config=ManualArgs(regions=["eu-central-1"]))] == []
