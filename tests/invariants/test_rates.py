"""Rate limits with the other invariants: posts never exceed the limit, and no message is lost, doubled or posted after
the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

import pytest

from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import Job
from chalicelib.domain.rate import BURST, FAST_ASKS, HORIZON, LEAD, LONGEST_WAIT
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing, resume_mailing
from infra.local.arrivals import most_in_a_second
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_queues import FakeQueue
from infra.local.doubles.world import World


def busiest_second(world: World) -> int:
    return most_in_a_second(post.at.timestamp() for post in world.services.gateway.posts)


def seconds_of_posting(world: World) -> float:
    moments = [post.at for post in world.services.gateway.posts]
    return (max(moments) - min(moments)).total_seconds()


def test_a_mailing_keeps_within_its_limit_and_reaches_every_client_once() -> None:
    world = World()
    world.clients(300)
    mailing_id = world.mailing(rate_limit=10)
    world.run(120, step=0.5)
    assert world.get(mailing_id).counts == Counts(total=300, sent=300)
    assert len(world.services.gateway.posts) == 300
    assert busiest_second(world) <= 10 * (1 + BURST) + 1
    assert 28 <= seconds_of_posting(world) <= 40


class SendingRefused(FakeQueue):
    """The send queue as a sender sees it: AWS stops a function that sends to the queue that invokes it."""

    def send(self, jobs: Sequence[Job], delays: Sequence[int] | None = None) -> None:
        assert not jobs, f"a sender sends {len(jobs)} messages to its own queue"


def test_a_sender_sends_no_message_to_its_own_queue() -> None:
    world = World()
    world.clients(30)
    world.mailing(rate_limit=2)
    world.fan_out()
    world.clock.forward(5)
    taken = world.services.send_queue.receive(world.batch)
    world.services.send_queue = SendingRefused(**vars(world.services.send_queue))
    world.send(taken)
    assert 0 < len(world.services.gateway.posts) < len(taken)
    assert len(world.services.send_queue.messages) == 30 - len(world.services.gateway.posts)


def test_messages_whose_turn_is_beyond_the_horizon_wait_in_their_rows() -> None:
    world = World()
    world.clients(1000)
    mailing_id = world.mailing(rate_limit=1, lasts=7200)
    for _ in range(20):
        world.run(60, step=1)
        assert len(world.services.send_queue.messages) <= HORIZON + LEAD + 1
        given_back = [one for one in world.services.send_queue.messages.values() if one.receive_count]
        assert len(given_back) <= 2 * LEAD, "few messages are in flight"
    assert world.get(mailing_id).counts == Counts(total=1000, sent=1000)
    assert len(world.services.gateway.posts) == 1000


def test_messages_that_have_to_wait_long_leave_the_queue_and_are_fed_later() -> None:
    """The limit is lowered: more messages leave the queue than there are permits for."""
    world = World()
    world.clients(900)
    mailing_id = world.mailing(rate_limit=50, lasts=7200)
    world.run(2, step=0.5)
    change_mailing(world.services, mailing_id, {"rate_limit": 2})
    for _ in range(9):
        world.run(60, step=2)
        given_back = [one for one in world.services.send_queue.messages.values() if one.receive_count]
        assert len(given_back) <= 2 * FAST_ASKS * (LONGEST_WAIT + LEAD)
    assert world.get(mailing_id).feed
    assert world.get(mailing_id).counts == Counts(total=900, sent=900)
    assert len(world.services.gateway.posts) == 900


def test_without_a_limit_no_permits_are_taken() -> None:
    world = World()
    world.clients(50)
    mailing_id = world.mailing()
    world.run(60)
    assert world.get(mailing_id).counts.sent == 50
    assert world.services.rates.writes == 0


def test_the_gateways_limit_covers_all_mailings_together() -> None:
    world = World(gateway_rate=20.0)
    world.clients(200)
    for _ in range(3):
        world.mailing()
    world.run(120, step=0.5)
    assert [world.get(mailing_id).counts.sent for mailing_id in (1, 2, 3)] == [200, 200, 200]
    assert busiest_second(world) <= 20 * (1 + BURST) + 1
    assert seconds_of_posting(world) >= 28


def test_a_small_mailing_does_not_wait_for_the_end_of_a_large_one() -> None:
    world = World(gateway_rate=20.0)
    world.clients(1500, tag="large")
    world.clients(40, tag="small")
    large = world.mailing(filter_tag=("large",))
    world.run(10, step=0.5)
    small = world.mailing(filter_tag=("small",))
    world.run(10, step=0.5)
    assert world.get(small).counts.sent == 40
    assert world.get(large).counts.queued > 1000
    world.run(180, step=0.5)
    assert world.get(large).counts.sent == 1500


def test_a_limit_can_be_raised_and_removed_while_the_mailing_runs() -> None:
    world = World()
    world.clients(1200)
    mailing_id = world.mailing(rate_limit=1)
    world.run(30, step=1)
    slowly = len(world.services.gateway.posts)
    assert 20 <= slowly <= 40
    change_mailing(world.services, mailing_id, {"rate_limit": 50})
    world.run(10, step=0.5)
    assert 300 <= len(world.services.gateway.posts) - slowly <= 600
    change_mailing(world.services, mailing_id, {"rate_limit": None})
    world.run(10, step=0.5)
    assert world.get(mailing_id).counts == Counts(total=1200, sent=1200)
    assert len(world.services.gateway.posts) == 1200


def test_a_limit_that_is_set_or_lowered_during_a_mailing_applies_from_the_next_second() -> None:
    world = World()
    world.clients(600)
    mailing_id = world.mailing(rate_limit=100)
    world.run(2, step=0.5)
    change_mailing(world.services, mailing_id, {"rate_limit": 5})
    world.run(2, step=0.5)
    before = len(world.services.gateway.posts)
    world.run(20, step=0.5)
    assert 80 <= len(world.services.gateway.posts) - before <= 110


def test_the_limit_holds_even_if_messages_wait_longer_than_the_longest_delay_of_the_queue() -> None:
    world = World()
    world.clients(2500)
    mailing_id = world.mailing(rate_limit=1, lasts=7200)
    world.run(3200, step=5)
    assert world.get(mailing_id).counts == Counts(total=2500, sent=2500)
    assert busiest_second(world) <= 3


def test_messages_that_the_limit_delays_beyond_the_end_expire() -> None:
    world = World()
    world.clients(200)
    mailing_id = world.mailing(rate_limit=2, lasts=30)
    world.run(240, step=0.5)
    counts = world.get(mailing_id).counts
    assert (counts.total, counts.queued, counts.sent + counts.expired) == (200, 0, 200)
    assert 50 <= counts.sent <= 62
    end = world.get(mailing_id).datetime_end
    assert all(post.at < end for post in world.services.gateway.posts)


def test_a_limit_and_local_hours_apply_together() -> None:
    world = World()
    world.clients(120, timezone="Europe/Moscow")  # where it is 15:00
    world.clients(60, timezone="Asia/Kamchatka")
    mailing_id = world.mailing(rate_limit=2, lasts=24 * 3600, time_from=time(15), time_to=time(15, 1))
    world.run(24 * 3600 + 300, step=10)
    counts = world.get(mailing_id).counts
    assert (counts.sent + counts.expired, counts.total) == (180, 180)
    assert 90 <= counts.sent <= 250
    assert busiest_second(world) <= 4
    assert all(post.at.minute == 0 for post in world.services.gateway.posts)


def test_a_pause_stops_messages_that_wait_for_a_permit_and_a_resume_queues_them_again() -> None:
    world = World()
    world.clients(100)
    mailing_id = world.mailing(rate_limit=5)
    world.run(5, step=0.5)
    pause_mailing(world.services, mailing_id)
    world.run(2, step=0.5)
    before = len(world.services.gateway.posts)
    world.run(60, step=1)
    assert len(world.services.gateway.posts) == before < 60
    resume_mailing(world.services, mailing_id)
    world.run(90, step=0.5)
    assert world.get(mailing_id).counts == Counts(total=100, sent=100)
    assert busiest_second(world) <= 5 * (1 + BURST) + 1


def test_retries_take_permits_too() -> None:
    world = World()
    world.clients(40)
    world.services.gateway.answers = [Answer(500)] * 40
    mailing_id = world.mailing(rate_limit=5)
    world.run(300, step=0.5)
    assert world.get(mailing_id).counts == Counts(total=40, sent=40)
    assert busiest_second(world) <= 5 * (1 + BURST) + 1


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("at", range(1, 40, 2))
def test_a_sender_that_dies_with_permits_loses_no_message_and_does_not_block_the_limit(at: int, after: bool) -> None:
    world = World(gateway_rate=10.0)
    world.clients(60)
    for invocation in range(0, 12, 3):
        world.crashing[invocation] = CrashingServices(world.services, at, after)
    mailing_id = world.mailing(rate_limit=8)
    world.run(400, step=1)
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id) == Counts(total=60, sent=60)
    assert busiest_second(world) <= 10 * (1 + BURST) + 1
    reached = {post.message_id for post in world.services.gateway.posts}
    assert reached == {mailing_id * 10**10 + client_id for client_id in range(1, 61)}
