"""Secrets in SSM are cached, renewed without a deploy, and shown nowhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.adapters import parameters
from chalicelib.adapters.parameters import LIFE_SECONDS, RETRY_SECONDS, Parameter
from chalicelib.logs import log

NAME = "/test/secret"


class Clock:
    """Replaces the module `time`."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(parameters, "time", clock)
    return clock


@pytest.fixture
def put(clock: Clock) -> Iterator[Callable[[str], Any]]:
    with mock_aws():
        ssm = boto3.client("ssm")
        yield lambda value: ssm.put_parameter(Name=NAME, Value=value, Type="SecureString", Overwrite=True)


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """All parts of each log line."""
    lines: list[dict[str, Any]] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(vars(record))  # type: ignore[method-assign]
    level = log.log_level
    log.addHandler(handler)
    log.setLevel("WARNING")
    yield lines
    log.setLevel(level)
    log.removeHandler(handler)


def lose() -> None:
    """From now on SSM refuses the parameter."""
    boto3.client("ssm").delete_parameter(Name=NAME)


def test_a_parameter_is_read_once_and_again_after_its_time_to_live(put: Callable[[str], Any], clock: Clock) -> None:
    put("one")
    parameter = Parameter(NAME)
    assert parameter.value() == "one"
    put("two")
    clock.now += LIFE_SECONDS
    assert parameter.value() == "one"
    clock.now += 1
    assert parameter.value() == "two"


def test_a_refused_parameter_is_read_again(put: Callable[[str], Any]) -> None:
    put("one")
    parameter = Parameter(NAME)
    assert parameter.value() == "one"
    put("two")
    parameter.expire()
    assert parameter.value() == "two"


@pytest.mark.parametrize("why", ["its time is over", "it was refused"])
def test_a_parameter_that_cannot_be_renewed_keeps_its_value_and_the_error_is_logged(
    put: Callable[[str], Any], clock: Clock, logged: list[dict[str, Any]], why: str
) -> None:
    put("one-secret")
    parameter = Parameter(NAME)
    parameter.value()
    lose()
    if why == "it was refused":
        parameter.expire()
    else:
        clock.now += LIFE_SECONDS + 1
    assert [parameter.value() for _ in range(20)] == ["one-secret"] * 20
    assert [line["parameter"] for line in logged] == [NAME], "SSM is not asked at every post"
    assert "one-secret" not in str(logged)
    put("two")
    clock.now += RETRY_SECONDS + 1
    assert parameter.value() == "two"


def test_a_parameter_that_was_never_read_is_an_error_that_names_only_the_parameter(put: Callable[[str], Any]) -> None:
    with pytest.raises(ClientError, match="GetParameter") as caught:
        Parameter(NAME).value()
    assert "Parameter" in str(caught.value)


def test_a_final_line_break_is_removed(put: Callable[[str], Any]) -> None:
    put("one\n")
    assert Parameter(NAME).value() == "one"


def test_the_value_is_in_no_text_about_the_parameter(put: Callable[[str], Any]) -> None:
    put("one-secret")
    parameter = Parameter(NAME)
    parameter.value()
    assert "one-secret" not in f"{parameter!r} {parameter!s}"
