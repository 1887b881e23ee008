"""Feeds: messages that wait in their rows for a rate limit reach every client once, whatever happens meanwhile.

The limit is one message in twenty seconds, so the queue has 16 messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from chalicelib.delivery import feed
from chalicelib.delivery.feeder import feed_mailing
from chalicelib.delivery.jobs import run_job
from chalicelib.domain.audience_slice import AudienceSlice
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import FeedMailing
from chalicelib.domain.message import Message
from chalicelib.domain.rate import HORIZON, LEAD
from chalicelib.errors import NotRead
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing, resend_mailing, resume_mailing
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_gateway import FakeGateway
from infra.local.doubles.fake_slices import FakeSlices
from infra.local.doubles.world import World
from tests.depth import crash_points

CLIENTS = 22
RATE = 0.05
QUEUED = int((HORIZON + LEAD) * RATE) + 1


FIRST_FEED = 2
"""The invocations before it: the start and the slice."""


def limited_world(**settings: Any) -> World:
    world = World(gateway_rate=RATE, **settings)
    world.clients(CLIENTS)
    return world


def assert_every_client_has_it_once(world: World, mailing_id: int) -> None:
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id) == Counts(total=CLIENTS, sent=CLIENTS)
    assert sorted(world.services.gateway.accepted.values()) == [1] * CLIENTS


def test_the_queue_has_the_messages_until_the_horizon_and_gets_more_every_minute() -> None:
    world = limited_world()
    mailing_id = world.mailing()
    world.fan_out()
    assert len(world.services.send_queue.messages) == QUEUED
    assert world.get(mailing_id).is_feeding
    while world.get(mailing_id).status == "running":
        world.run(60)
        assert len(world.services.send_queue.messages) <= QUEUED
    assert_every_client_has_it_once(world, mailing_id)
    assert (world.clock.now() - world.get(mailing_id).datetime_start).total_seconds() <= 1.1 * CLIENTS / RATE
    assert (world.get(mailing_id).feed, world.get(mailing_id).is_feeding) == (1, False)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_feeder_that_dies_at_any_call_loses_and_doubles_nothing(after: bool) -> None:
    for at in crash_points():
        world = limited_world()
        crashing = world.crashing[FIRST_FEED] = CrashingServices(world.services, at, after)
        mailing_id = world.mailing()
        world.run(900, step=10)
        assert_every_client_has_it_once(world, mailing_id)
        if not crashing.is_dead:
            assert at > 5
            break


def test_a_feed_that_meets_a_throttled_table_goes_on_within_seconds() -> None:
    world = limited_world()
    mailing_id = world.mailing()
    world.fan_out()
    services, read = world.services, world.services.messages.queued_below
    world.clock.forward(120)

    def throttled(*_: object) -> list[Message]:
        raise NotRead("messages")

    services.messages.queued_below = throttled  # type: ignore[method-assign]
    delay = run_job(services, FeedMailing(mailing_id, 1), lambda: 60.0)
    services.messages.queued_below = read  # type: ignore[method-assign]
    assert delay in range(1, 61)
    world.clock.forward(delay)
    before = len(services.send_queue.messages)
    run_job(services, FeedMailing(mailing_id, 1), lambda: 60.0)
    assert len(services.send_queue.messages) > before


def world_of_three_shards(gateway_rate: float) -> World:
    world = World(gateway_rate=gateway_rate)
    for last_id in (0, 30_000, 55_000):
        world.services.counters.ids["client_id"] = last_id
        world.clients(CLIENTS // 3 + (last_id == 0))
    return world


class RacedSlices(FakeSlices):
    """`others_work` runs once, right after the slices are read."""

    def __init__(self, slices: FakeSlices, others_work: Callable[[], object]) -> None:
        vars(self).update(vars(slices))
        self.others_work: Callable[[], object] | None = others_work

    def of_mailing(self, mailing_id: int, feed: int = 0) -> list[AudienceSlice]:
        found = super().of_mailing(mailing_id, feed)
        work, self.others_work = self.others_work, None
        if work is not None:
            work()
        return found


def test_a_feeder_finds_a_lane_that_another_one_has_just_walked() -> None:
    world = world_of_three_shards(gateway_rate=100)
    mailing_id = world.mailing()
    world.do_jobs()
    feed.begin(world.services, world.get(mailing_id))
    job = FeedMailing(mailing_id, 1)
    world.services.slices = RacedSlices(world.services.slices, lambda: feed_mailing(world.services, job, lambda: 60.0))
    assert feed_mailing(world.services, job, lambda: 60.0)
    assert not world.get(mailing_id).is_feeding
    world.run(120)
    assert_every_client_has_it_once(world, mailing_id)


def test_a_feed_walks_every_lane_of_a_mailing_with_several_shards() -> None:
    world = world_of_three_shards(RATE)
    mailing_id = world.mailing()
    world.run(900, step=10)
    lanes = world.services.slices.of_mailing(mailing_id, feed=1)
    assert [lane.done for lane in lanes] == [True] * world.get(mailing_id).started_plan.shards == [True] * 3
    assert_every_client_has_it_once(world, mailing_id)


def test_doubled_jobs_queue_nothing_twice() -> None:
    world = limited_world()
    mailing_id = world.mailing()
    world.fan_out()
    world.run(120)
    world.services.jobs_queue.send([FeedMailing(mailing_id, 1)] * 5)
    world.do_jobs()
    assert len(world.services.send_queue.messages) <= QUEUED


def test_a_pause_and_a_resume_begin_a_new_feed() -> None:
    world = limited_world()
    mailing_id = world.mailing()
    world.run(120)
    pause_mailing(world.services, mailing_id)
    world.run(600)
    assert len(world.services.gateway.posts) < 20
    assert not world.services.send_queue.messages
    resume_mailing(world.services, mailing_id)
    world.run(60)
    assert len(world.services.send_queue.messages) <= QUEUED
    world.run(600)
    assert_every_client_has_it_once(world, mailing_id)


def test_a_feed_that_is_woken_before_the_order_is_cleared_works() -> None:
    """The round begins the feed first: if it dies then, the order is still there."""
    world = limited_world()
    mailing_id = world.mailing()
    world.run(30)
    world.services.mailings.rows[mailing_id] = replace(world.get(mailing_id), resend=("failed",))
    world.services.send_queue.messages.clear()
    world.clock.forward(HORIZON)
    world.services.jobs_queue.send([FeedMailing(mailing_id, world.get(mailing_id).feed)])
    world.do_jobs()
    assert len(world.services.send_queue.messages) == QUEUED


@pytest.mark.parametrize("gateway_rate", [None, 2.0])
def test_a_higher_limit_of_the_gateway_applies_after_the_deploy(gateway_rate: float | None) -> None:
    world = limited_world()
    mailing_id = world.mailing()
    world.run(60)
    world.services.settings = World(gateway_rate=gateway_rate).services.settings
    world.run(400)
    assert_every_client_has_it_once(world, mailing_id)


def test_a_mailing_without_its_limit_is_queued_at_once() -> None:
    world = World()
    world.clients(400)
    mailing_id = world.mailing(rate_limit=1)
    world.run(20)
    assert world.get(mailing_id).is_feeding
    change_mailing(world.services, mailing_id, {"rate_limit": None})
    world.run(60)
    assert world.get(mailing_id).counts.sent == 400
    assert len(world.services.gateway.posts) == 400


def test_failed_messages_are_sent_again_through_a_feed() -> None:
    world = limited_world()
    world.services.gateway.answers = [Answer(400)] * CLIENTS
    mailing_id = world.mailing()
    world.run(600)
    assert world.get(mailing_id).counts.failed == CLIENTS
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(60)
    assert len(world.services.send_queue.messages) <= QUEUED
    world.run(600)
    assert_every_client_has_it_once(world, mailing_id)


def test_the_others_wait_for_the_canary_and_are_fed_after_it() -> None:
    world = limited_world()
    mailing_id = world.mailing(canary=19, max_error_rate=10)
    world.run(360)
    assert world.get(mailing_id).awaits_canary
    world.run(400)
    assert_every_client_has_it_once(world, mailing_id)


def test_a_message_of_the_canary_that_lost_its_queue_message_is_fed_again_from_every_lane() -> None:
    """The canary is full, so all messages of the first lanes wait for its result."""
    for answers in ([Answer(503)], [FakeGateway.OK, Answer(503)], [FakeGateway.OK] * 2 + [Answer(503)]):
        world = world_of_three_shards(gateway_rate=1)
        world.services.gateway.answers = answers
        mailing_id = world.mailing(canary=len(answers), max_error_rate=10)
        while world.services.gateway.answers:
            world.run(5)
        world.services.send_queue.messages.clear()
        world.run(1200)
        assert_every_client_has_it_once(world, mailing_id)


def test_local_hours_that_open_begin_a_new_feed() -> None:
    world = World(gateway_rate=RATE)
    world.clients(CLIENTS, timezone="Asia/Kamchatka")
    mailing_id = world.mailing(lasts=24 * 3600, time_from=time(9), time_to=time(21))
    world.run(600)
    assert not world.services.send_queue.messages
    world.run(24 * 3600, step=30)
    assert_every_client_has_it_once(world, mailing_id)


def test_messages_that_the_queue_loses_are_fed_again() -> None:
    world = limited_world()
    mailing_id = world.mailing()
    world.run(30)
    world.services.send_queue.messages.clear()
    world.run(1200)
    assert_every_client_has_it_once(world, mailing_id)


def test_an_end_of_the_mailing_ends_the_feed() -> None:
    world = limited_world()
    mailing_id = world.mailing(lasts=120)
    world.run(400)
    counts = world.get(mailing_id).counts
    assert (counts.queued, counts.sent + counts.expired) == (0, CLIENTS)
    assert world.get(mailing_id).status == "finished"
