"""Secrets in SSM: read seldom, renewed without a deploy, shown nowhere."""

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
    """In place of the module `time`."""

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
    """What each line of the log was made of."""
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
    """From here on SSM refuses to hand it over."""
    boto3.client("ssm").delete_parameter(Name=NAME)


def test_it_is_read_once_and_again_when_its_time_is_over(put: Callable[[str], Any], clock: Clock) -> None:
    put("one")
    parameter = Parameter(NAME)
    assert parameter.value() == "one"
    put("two")
    clock.now += LIFE_SECONDS
    assert parameter.value() == "one"
    clock.now += 1
    assert parameter.value() == "two"


def test_it_is_read_again_when_it_was_refused(put: Callable[[str], Any]) -> None:
    put("one")
    parameter = Parameter(NAME)
    assert parameter.value() == "one"
    put("two")
    parameter.expire()
    assert parameter.value() == "two"


@pytest.mark.parametrize("why", ["its time is over", "it was refused"])
def test_what_cannot_be_read_anew_stays_what_it_was_and_that_is_logged(
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


def test_what_was_never_read_is_an_error_that_names_the_parameter_alone(put: Callable[[str], Any]) -> None:
    with pytest.raises(ClientError, match="GetParameter") as caught:
        Parameter(NAME).value()
    assert "Parameter" in str(caught.value)


def test_a_line_break_at_its_end_is_none_of_it(put: Callable[[str], Any]) -> None:
    put("one\n")
    assert Parameter(NAME).value() == "one"


def test_its_value_is_in_no_text_about_it(put: Callable[[str], Any]) -> None:
    put("one-secret")
    parameter = Parameter(NAME)
    parameter.value()
    assert "one-secret" not in f"{parameter!r} {parameter!s}"
