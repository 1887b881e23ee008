"""The time to live of rows: an end beyond it is refused, and a mailing ends when its rows are gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import pytest

from chalicelib.domain.mailing_fields import MailingFields
from chalicelib.errors import BadInput
from chalicelib.mailings.lifecycle import cancel_mailing, change_mailing, pause_mailing
from infra.local.doubles.world import World

HOUR, DAY = 3600.0, timedelta(days=1)


@pytest.fixture
def world() -> World:
    world = World(message_retention_days=2)
    world.clients(20)
    world.mailing(lasts=HOUR)
    return world


def move_end(world: World, end: datetime) -> None:
    change_mailing(world.services, 1, cast(MailingFields, {"datetime_end": end}))


def delete_expired_rows(world: World) -> int:
    """As DynamoDB does. Returns how many are left."""
    messages = world.services.messages
    for key, kept_until in list(messages.kept_until.items()):
        if kept_until <= world.clock.now():
            messages.rows.pop(key, None)
    return len(messages.rows)


def test_no_end_can_be_later_than_the_rows_live_however_often_it_is_moved(world: World) -> None:
    world.fan_out()
    first_end = world.get(1).datetime_end
    move_end(world, first_end + DAY)
    move_end(world, first_end - timedelta(minutes=30))
    move_end(world, first_end + 2 * DAY)
    assert min(world.services.messages.kept_until.values()) >= world.get(1).datetime_end
    with pytest.raises(BadInput) as refusal:
        move_end(world, first_end + 2 * DAY + timedelta(seconds=1))
    last = "2026-11-25T13:00:00Z"
    assert refusal.value.body == {
        "datetime_end": [f"The messages of this mailing are kept until {last}: the end can be at most that time."]
    }


def test_before_the_start_any_end_is_accepted(world: World) -> None:
    mailing_id = world.mailing(starts_in=HOUR, lasts=HOUR)
    end = world.clock.now() + 300 * DAY
    change_mailing(world.services, mailing_id, cast(MailingFields, {"datetime_end": end}))
    world.run(2 * HOUR, step=60)
    assert world.get(mailing_id).status == "finished"
    assert min(row for key, row in world.services.messages.kept_until.items() if key[0] == mailing_id) > end


def test_rows_that_are_written_after_an_end_was_moved_nearer_live_as_long_as_the_others(world: World) -> None:
    assert world.services.jobs_queue.size() == 1
    world.do_job_of(world.services.jobs_queue.receive(1)[0])
    pause_mailing(world.services, 1)
    expire_at = world.get(1).rows_expire_at
    move_end(world, world.get(1).datetime_end - timedelta(minutes=50))
    world.fan_out()
    assert expire_at is not None
    assert min(world.services.messages.kept_until.values()) >= expire_at


@pytest.mark.parametrize("step", ["the end", "a cancellation"])
def test_a_mailing_whose_rows_are_gone_ends_and_its_counts_add_up(world: World, step: str) -> None:
    """The service stood still for days, for example because the account was suspended."""
    world.fan_out()
    pause_mailing(world.services, 1)
    if step == "a cancellation":
        cancel_mailing(world.services, 1)
    world.clock.forward(3 * DAY.total_seconds())
    assert delete_expired_rows(world) == 0
    world.run(600)
    mailing = world.get(1)
    assert mailing.status == ("finished" if step == "the end" else "cancelled")
    assert mailing.ended_at is not None
    assert (mailing.counts.total, mailing.counts.queued, mailing.counts.expired) == (20, 0, 20)
