"""Senders tell the overview of their breakers, at a cost that an outage does not lift, and no message pays for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.errors import NotWritten
from chalicelib.gateways.answer import Answer
from infra.local.doubles.world import World

OK = Answer(200, '{"code": 0, "message": "OK"}')
DOWN = Answer(503)
CLIENTS = 60


def world_with_an_outage(minutes: float) -> tuple[World, int]:
    """The gateway is down from the beginning for so many minutes."""
    world = World()
    ends = world.clock.now() + timedelta(minutes=minutes)
    world.clients(CLIENTS)
    [name] = world.services.settings.routes.names
    world.services.gateway.answer_at = {name: lambda _: DOWN if world.clock.now() < ends else OK}
    return world, world.mailing(lasts=7200)


def test_while_the_gateway_works_senders_tell_nothing_and_read_nothing() -> None:
    world, mailing_id = world_with_an_outage(0)
    del world.services.breaker_reports  # any call would fail
    world.run(120)
    assert world.get(mailing_id).counts.sent == CLIENTS


def test_an_outage_is_told_with_its_beginning_and_reason_and_so_is_its_end() -> None:
    world, mailing_id = world_with_an_outage(32)
    began = world.clock.now()
    world.run(5400)
    told = world.services.breaker_reports.written
    assert told[0].opened_at is not None
    assert told[0].opened_at - began < timedelta(minutes=1)
    assert str(told[0].reason) == "The gateway answered 503."
    assert {report.opened_at for report in told[:-1]} == {told[0].opened_at}
    assert told[-1].opened_at is None
    assert 3 <= len(told) <= 2 + 32 // 5 + 1, "one report in five minutes"
    assert world.get(mailing_id).counts.sent == CLIENTS


@pytest.mark.parametrize("error", [NotWritten("throttled"), ValueError("a fault of the service")])
def test_no_message_returns_because_a_report_was_not_written(error: Exception) -> None:
    world, mailing_id = world_with_an_outage(10)
    world.services.breaker_reports.error = error
    world.run(3600)
    assert world.get(mailing_id).counts.sent == CLIENTS
    assert world.get(mailing_id).status == "finished"


def test_an_invocation_without_time_tells_nothing() -> None:
    world, _ = world_with_an_outage(10)
    world.seconds_left = lambda services: lambda: 4.0  # type: ignore[method-assign]
    world.run(300)
    assert world.services.breaker_reports.written == []
