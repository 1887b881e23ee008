"""Invariants 7 and 8: a mailing ends by its own progress and within few rounds, also if the turn of a round dies.

The end of each mailing is days away, and another mailing keeps the send queue busy.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.jobs import SendMessage
from chalicelib.domain.message import read_message_id
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing, resend_mailing, resume_mailing
from infra.local.doubles.world import CrashingServices, World

CLIENTS = 23
DAYS = 5 * 24 * 3600
MINUTES = 60

AFTER = pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])


def world_with_a_busy_queue(clients: int = CLIENTS, **settings: Any) -> World:
    """A message of another mailing is in the send queue all the time."""
    world = World(**settings)
    world.clients(clients)
    world.services.send_queue.send([SendMessage(mailing_id=99, client_id=1)], [DAYS])
    return world


def expired_mailing(world: World) -> int:
    """A mailing that ended before any of its messages was posted."""
    mailing_id = world.mailing(lasts=30)
    world.do_jobs()
    world.clock.forward(30)
    world.run(5 * MINUTES)
    assert world.get(mailing_id).counts.expired == CLIENTS
    return mailing_id


def move_end(world: World, mailing_id: int) -> None:
    end = world.clock.now() + timedelta(seconds=DAYS)
    change_mailing(world.services, mailing_id, {"datetime_end": end})


def assert_all_sent(world: World, mailing_id: int, most_rounds: int, repeats_allowed: int = 0) -> None:
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", world.counted_rows(mailing_id)), mailing
    assert mailing.counts.sent == mailing.counts.total
    assert mailing.rounds <= most_rounds
    accepted = world.services.gateway.accepted
    own = [times for number, times in accepted.items() if read_message_id(number) == (mailing_id, number % 10**10)]
    assert sum(own) - mailing.counts.sent <= repeats_allowed


@AFTER
@pytest.mark.parametrize("turn", range(3))
def test_a_crash_of_the_round_that_reopens_expired_messages_neither_loses_them_nor_costs_rounds(
    turn: int, after: bool
) -> None:
    for at in itertools.count(1):
        world = world_with_a_busy_queue()
        world.batch = 1
        mailing_id = expired_mailing(world)
        rounds = world.get(mailing_id).rounds
        move_end(world, mailing_id)
        crashing = world.crashing[world.invocations + turn] = CrashingServices(world.services, at, after)
        world.run(30 * MINUTES, step=10)
        assert_all_sent(world, mailing_id, rounds + 4, repeats_allowed=int(crashing.is_dead))
        if not crashing.is_dead:
            break


def test_queue_messages_lost_while_another_mailing_keeps_the_queue_busy_are_queued_again() -> None:
    world = World()
    world.clients(CLIENTS)
    mailing_id = world.mailing(lasts=DAYS)
    world.do_jobs()
    for name in list(world.services.send_queue.messages)[::2]:
        world.services.send_queue.lose(name)
    world.clients(2000)
    other = world.mailing(lasts=DAYS, rate_limit=1)
    world.run(30 * MINUTES, step=30)
    assert_all_sent(world, mailing_id, 4)
    assert not world.services.send_queue.is_idle()
    assert world.get(other).status == "running"


def test_a_client_of_the_api_that_pauses_and_resumes_all_the_time_causes_few_rounds() -> None:
    world = world_with_a_busy_queue()
    mailing_id = world.mailing(lasts=DAYS, rate_limit=1)
    world.do_jobs()
    for _ in range(100):
        pause_mailing(world.services, mailing_id)
        resume_mailing(world.services, mailing_id)
        world.run(2, step=1)
    assert world.get(mailing_id).rounds <= 10
    world.run(30 * MINUTES, step=10)
    assert_all_sent(world, mailing_id, 12)


@AFTER
def test_a_crash_of_the_round_that_carries_out_a_resend_neither_loses_messages_nor_costs_rounds(after: bool) -> None:
    for at in itertools.count(1):
        world = world_with_a_busy_queue()
        world.batch = 1
        mailing_id = expired_mailing(world)
        move_end(world, mailing_id)
        rounds = world.get(mailing_id).rounds
        resend_mailing(world.services, mailing_id, ["expired"])
        crashing = world.crashing[world.invocations + 1] = CrashingServices(world.services, at, after)
        world.run(30 * MINUTES, step=10)
        assert_all_sent(world, mailing_id, rounds + 4, repeats_allowed=int(crashing.is_dead))
        if not crashing.is_dead:
            break
