"""An expired message says why, whoever closes it: the sender, a reconciliation round or the fan-out."""

from __future__ import annotations

from collections import Counter
from datetime import time, timedelta
from typing import Any

import pytest

from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing
from infra.local.doubles.world import World

CLIENTS, LASTS = 60, 100


def started(timezone: str = "UTC", **fields: Any) -> tuple[World, int]:
    world = World()
    world.clients(CLIENTS, timezone=timezone)
    mailing_id = world.mailing(lasts=LASTS, **fields)
    world.do_jobs()
    return world, mailing_id


def reasons(world: World, mailing_id: int) -> Counter[str]:
    """The codes of the reasons of expired messages. Each has one."""
    rows = [row for key, row in world.services.messages.rows.items() if key[0] == mailing_id]
    expired = [row for row in rows if row.status == "expired"]
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts.expired == len(expired)
    return Counter(row.last_error.code if row.last_error else "" for row in expired)


def lose_queue(world: World) -> None:
    """Reconciliation rounds close the messages, instead of the sender."""
    world.services.send_queue.messages.clear()


@pytest.mark.parametrize("is_queue_lost", [False, True])
def test_messages_that_the_gateway_failed_or_held_back_say_so(is_queue_lost: bool) -> None:
    world, mailing_id = started()
    world.services.gateway.default_answer = Answer(500)
    world.run(LASTS - 5)
    if is_queue_lost:
        lose_queue(world)
    world.run(300)
    found = reasons(world, mailing_id)
    assert set(found) == {"gateway.answered", "expiry.held_back"}
    assert found["gateway.answered"] >= 20


@pytest.mark.parametrize("is_queue_lost", [False, True])
def test_messages_without_a_permit_say_so(is_queue_lost: bool) -> None:
    world, mailing_id = started()
    change_mailing(world.services, mailing_id, {"rate_limit": 1})
    change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now() + timedelta(seconds=20)})
    world.run(15)
    if is_queue_lost:
        lose_queue(world)
    world.run(300)
    found = reasons(world, mailing_id)
    assert found.total() >= 20
    assert set(found) == {"expiry.no_permit"}


def test_messages_of_a_paused_mailing_say_so() -> None:
    world, mailing_id = started()
    pause_mailing(world.services, mailing_id)
    world.run(300)
    assert reasons(world, mailing_id) == {"expiry.paused": CLIENTS}


def test_messages_outside_their_local_hours_say_so() -> None:
    world, mailing_id = started("Asia/Omsk", time_from=time(9), time_to=time(17))
    world.run(300)
    assert reasons(world, mailing_id) == {"expiry.outside_hours": CLIENTS}


def test_messages_that_are_created_after_the_end_say_so() -> None:
    world = World()
    world.clients(CLIENTS)
    mailing_id = world.mailing(lasts=30)
    world.clock.forward(31)
    world.run(300)
    assert reasons(world, mailing_id) == {"expiry.ended_before_queued": CLIENTS}


@pytest.mark.parametrize("is_queue_lost", [False, True])
def test_messages_that_only_came_too_late_say_so_until_they_are_sent(is_queue_lost: bool) -> None:
    world, mailing_id = started()
    world.clock.forward(LASTS)
    if is_queue_lost:
        lose_queue(world)
    world.run(300)
    assert reasons(world, mailing_id) == {"expiry.ended_first": CLIENTS}
    change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now() + timedelta(hours=1)})
    world.run(300)
    assert {row.last_error for row in world.services.messages.rows.values()} == {None}
    assert world.get(mailing_id).counts.sent == CLIENTS
