"""A Lambda as a process, for LocalStack's core: results, errors, timeouts, crashes, logs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.lambda_process import LambdaProcess, Result

CODE = """
import os, sys, time

def handle(event, context):
    print("working on", event)
    if event == "fail":
        raise KeyError("missing")
    if event == "exit":
        os._exit(3)
    if event == "hang":
        time.sleep(60)
    left = context.get_remaining_time_in_millis()
    return {"id": context.aws_request_id, "arn": context.invoked_function_arn, "has_time": 0 < left <= 30_000,
            "stage": os.environ["STAGE"], "home": "SECRET" in os.environ}
"""


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaProcess]:
    monkeypatch.setenv("SECRET", "of the parent")
    (tmp_path / "code.py").write_text(CODE)
    process = LambdaProcess(sys.executable, tmp_path, "code.handle", {"STAGE": "local"})
    assert process.await_start() is None
    yield process
    process.kill()


def invoke(process: LambdaProcess, event: object, seconds: float = 30) -> Result:
    return process.invoke("r1", "arn:of:it", json.dumps(event), seconds)


def test_an_invocation_gets_its_context_and_the_environment_of_its_function_only(process: LambdaProcess) -> None:
    for _ in range(2):
        result = invoke(process, {"mailing": 1})
        assert not result.is_error
        expected = {"id": "r1", "arn": "arn:of:it", "has_time": True, "stage": "local", "home": False}
        assert json.loads(result.payload) == expected
        assert result.logs == "working on {'mailing': 1}\n"


def test_an_error_is_described_as_by_lambda_and_the_process_goes_on(process: LambdaProcess) -> None:
    result = invoke(process, "fail")
    assert (result.is_error, json.loads(result.payload)["errorType"]) == (True, "KeyError")
    assert "Traceback" in result.logs
    assert process.is_alive
    assert not invoke(process, "work").is_error


def test_after_a_timeout_the_process_is_killed(process: LambdaProcess) -> None:
    result = invoke(process, "hang", seconds=0.2)
    assert (result.is_error, json.loads(result.payload)["errorType"]) == (True, "Sandbox.Timedout")
    assert "Task timed out after 0.20 seconds" in result.logs
    assert not process.is_alive


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_process_that_dies_is_an_error(process: LambdaProcess, is_killed: bool) -> None:
    if is_killed:
        process.kill()
    result = invoke(process, "exit")
    assert (result.is_error, json.loads(result.payload)["errorType"]) == (True, "Runtime.ExitError")
    assert not process.is_alive


@pytest.mark.parametrize("code", ["import absent", "", "import os; os._exit(1)"])
def test_code_that_cannot_be_loaded_is_an_error_of_the_start(tmp_path: Path, code: str) -> None:
    (tmp_path / "code.py").write_text(code)
    process = LambdaProcess(sys.executable, tmp_path, "code.handle", {})
    failed = process.await_start()
    assert failed is not None
    assert failed.is_error
    assert not process.is_alive
