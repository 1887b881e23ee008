"""A mailing ends by its own progress and within few rounds, also if the turn of a round dies.

The end of each mailing is days away, and another mailing keeps the send queue busy.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.delivery.queueing import PAGE, SECONDS_FOR_A_PAGE
from chalicelib.delivery.reconcile import reconcile_shard
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import ReconcileShard, SendMessage
from chalicelib.domain.message import Message, read_message_id
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import cancel_mailing, change_mailing, pause_mailing, resend_mailing, resume_mailing
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_messages import FakeMessages
from infra.local.doubles.fake_queues import FakeQueue
from infra.local.doubles.fleet import AnsweringGateway
from infra.local.doubles.world import World
from tests.depth import crash_points

CLIENTS = 9
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
    world.clock.forward(1)


def assert_all_sent(world: World, mailing_id: int, most_rounds: int, repeats_allowed: int = 0) -> None:
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", world.counted_rows(mailing_id)), mailing
    assert mailing.counts.sent == mailing.counts.total
    assert mailing.rounds <= most_rounds
    accepted = world.services.gateway.accepted
    own = [times for number, times in accepted.items() if read_message_id(number) == (mailing_id, number % 10**10)]
    assert sum(own) - mailing.counts.sent <= repeats_allowed


class CountingMessages(FakeMessages):
    """Counts the rows that are read page by page."""

    def __init__(self, messages: FakeMessages) -> None:
        vars(self).update(vars(messages))
        self.rows_read = 0

    def page(self, *arguments: Any, **named: Any) -> list[Message]:
        page = super().page(*arguments, **named)
        self.rows_read += len(page)
        return page


def counting_messages(world: World) -> CountingMessages:
    messages = world.services.messages = CountingMessages(world.services.messages)
    return messages


@AFTER
@pytest.mark.parametrize("turn", range(3))
def test_a_crash_of_the_round_that_reopens_expired_messages_neither_loses_them_nor_costs_rounds(
    turn: int, after: bool
) -> None:
    for at in crash_points():
        world = world_with_a_busy_queue()
        world.batch = 1
        mailing_id = expired_mailing(world)
        rounds = world.get(mailing_id).rounds
        move_end(world, mailing_id)
        crashing = world.crashing[world.invocations + turn] = CrashingServices(world.services, at, after)
        world.run(20 * MINUTES, step=20)
        assert_all_sent(world, mailing_id, rounds + 4, repeats_allowed=world.batch if crashing.is_dead else 0)
        if not crashing.is_dead:
            break


def test_queue_messages_lost_while_another_mailing_keeps_the_queue_busy_are_queued_again() -> None:
    world = World()
    world.clients(CLIENTS)
    mailing_id = world.mailing(lasts=DAYS)
    world.do_jobs()
    for name in list(world.services.send_queue.messages)[::2]:
        world.services.send_queue.lose(name)
    world.clients(1500)
    other = world.mailing(lasts=DAYS, rate_limit=1)
    world.run(20 * MINUTES, step=30)
    assert_all_sent(world, mailing_id, 4)
    assert not world.services.send_queue.is_idle()
    assert world.get(other).status == "running"


def test_a_client_of_the_api_that_pauses_and_resumes_all_the_time_causes_few_rounds() -> None:
    world = world_with_a_busy_queue(60)
    mailing_id = world.mailing(lasts=DAYS)
    world.do_jobs()
    for _ in range(100):
        pause_mailing(world.services, mailing_id)
        resume_mailing(world.services, mailing_id)
        world.do_jobs()
        world.clock.forward(2)
    assert world.get(mailing_id).rounds <= 9
    world.run(30 * MINUTES, step=20)
    assert_all_sent(world, mailing_id, 12)


@AFTER
def test_a_crash_of_the_round_that_carries_out_a_resend_neither_loses_messages_nor_costs_rounds(after: bool) -> None:
    for at in crash_points():
        world = world_with_a_busy_queue()
        world.batch = 1
        mailing_id = expired_mailing(world)
        move_end(world, mailing_id)
        rounds = world.get(mailing_id).rounds
        resend_mailing(world.services, mailing_id, ["expired"])
        crashing = world.crashing[world.invocations + 1] = CrashingServices(world.services, at, after)
        world.run(20 * MINUTES, step=20)
        assert_all_sent(world, mailing_id, rounds + 4, repeats_allowed=world.batch if crashing.is_dead else 0)
        if not crashing.is_dead:
            break


@AFTER
@pytest.mark.parametrize("victim", range(6))
def test_a_crash_of_any_invocation_and_a_lost_queue_message_beside_a_busy_queue(victim: int, after: bool) -> None:
    for at in itertools.count(1, 4):
        world = world_with_a_busy_queue(13)
        messages = counting_messages(world)
        crashing = world.crashing[victim] = CrashingServices(world.services, at, after)
        mailing_id = world.mailing(lasts=DAYS)
        world.tick()
        own = [one.id for one in world.services.send_queue.messages.values() if '"mailing_id":1,' in one.body]
        for name in own[:1]:
            world.services.send_queue.lose(name)
        world.run(45 * MINUTES, step=15)
        assert_all_sent(world, mailing_id, 6, repeats_allowed=world.batch if crashing.is_dead else 0)
        assert messages.rows_read <= 7 * 13
        if not crashing.is_dead:
            break


def sharded_world() -> tuple[World, int]:
    """A mailing to 9 clients in 3 shards, whose messages are all sent and whose round has been requested."""
    world = world_with_a_busy_queue(0)
    world.services.counters.ids["client_id"] = 55_000
    world.clients(9)
    mailing_id = world.mailing(lasts=DAYS)
    world.do_jobs()
    world.send_all()
    assert len(world.services.jobs_queue.messages) == world.get(mailing_id).started_plan.shards == 3
    return world, mailing_id


def test_a_round_whose_jobs_are_lost_is_continued_with_the_shards_that_are_not_read() -> None:
    world, mailing_id = sharded_world()
    messages = counting_messages(world)
    world.do_job_of(world.services.jobs_queue.receive(1)[0])
    world.services.jobs_queue.messages.clear()
    world.run(6 * MINUTES, step=10)
    assert_all_sent(world, mailing_id, 1)
    assert messages.rows_read == 9


def test_a_round_that_is_read_and_not_concluded_is_concluded_without_reading() -> None:
    world, mailing_id = sharded_world()
    messages = counting_messages(world)
    jobs = world.services.jobs_queue.receive(3)
    for job in jobs[:2]:
        world.do_job_of(job)
    world.crashing[world.invocations] = CrashingServices(world.services, at=5)  # the report is written
    world.do_job_of(jobs[2])
    world.services.jobs_queue.messages.clear()
    assert (messages.rows_read, world.get(mailing_id).status) == (9, "running")
    world.run(6 * MINUTES, step=10)
    assert_all_sent(world, mailing_id, 1)
    assert messages.rows_read == 9


def test_a_repeated_job_and_a_job_of_an_earlier_round_read_nothing() -> None:
    world, mailing_id = sharded_world()
    messages = counting_messages(world)
    late, *_ = world.services.jobs_queue.receive(3)
    world.do_job_of(late)
    assert messages.rows_read == 3
    world.do_job_of(late)
    assert messages.rows_read == 3
    change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now() + timedelta(seconds=DAYS / 2)})
    assert world.get(mailing_id).rounds == 2
    world.do_job_of(late)
    assert messages.rows_read == 3


def test_a_shard_that_outlasts_a_turn_is_read_on_in_the_next_one() -> None:
    world = world_with_a_busy_queue(0)
    world.clients(2100)
    mailing_id = world.mailing(lasts=DAYS)
    world.batch = 500
    world.do_jobs()
    world.send_all()
    messages = counting_messages(world)
    job = ReconcileShard(mailing_id, world.get(mailing_id).rounds, 0)
    for rows_read in (1000, 2000):
        assert not reconcile_shard(world.services, job, iter([60.0, SECONDS_FOR_A_PAGE - 1]).__next__)
        assert messages.rows_read == rows_read
    assert reconcile_shard(world.services, job, lambda: 60.0)
    assert messages.rows_read == 2100
    assert_all_sent(world, mailing_id, 1)


def test_counts_that_were_added_twice_cost_two_rounds() -> None:
    """A lost answer: the write took effect, and the client of AWS repeated it."""
    world = world_with_a_busy_queue(40)
    world.batch = 1
    mailing_id = world.mailing(lasts=DAYS, rate_limit=1)
    world.run(10, step=1)
    world.services.mailings.add_counts(mailing_id, Counts(sent=20), world.clock.now())
    world.run(15 * MINUTES, step=2)
    assert_all_sent(world, mailing_id, 5)


def queue_messages_of(world: World, mailing_id: int) -> int:
    """How many queue messages of this mailing were sent to the send queue."""
    return sum(f'"mailing_id":{mailing_id},' in body for body in world.services.send_queue.bodies)


class RecordingQueue(FakeQueue):
    """Keeps the bodies of all messages that were sent to it."""

    def __init__(self, queue: FakeQueue) -> None:
        vars(self).update(vars(queue))
        self.bodies: list[str] = []

    def send_body(self, body: str, delay: int = 0) -> None:
        self.bodies.append(body)
        super().send_body(body, delay)


def recording_world(clients: int) -> World:
    world = World()
    world.services.send_queue = RecordingQueue(world.services.send_queue)
    world.clients(clients)
    return world


def test_an_outage_of_hours_queues_no_message_again() -> None:
    world = recording_world(30)
    world.services.gateway.default_answer = Answer(None, "ConnectTimeout", never_sent=True)
    mailing_id = world.mailing(lasts=DAYS)
    world.run(3 * 60 * MINUTES, step=30)
    assert queue_messages_of(world, mailing_id) == 30
    assert world.get(mailing_id).rounds <= 8
    world.services.gateway.default_answer = world.services.gateway.OK
    world.run(40 * MINUTES, step=20)
    assert_all_sent(world, mailing_id, 10)
    assert queue_messages_of(world, mailing_id) == 30


def test_messages_behind_those_of_another_mailing_are_not_queued_again() -> None:
    """Senders take one message in five seconds, in the order of the queue."""
    world = recording_world(400)
    first, second = world.mailing(lasts=DAYS), world.mailing(lasts=DAYS)
    world.do_jobs()
    for _ in range(800):
        world.send(world.services.send_queue.receive(1))
        minute = world.clock.now().minute
        world.clock.forward(5)
        if world.clock.now().minute != minute:
            world.invoke(sweep)
            world.do_jobs()
    world.run(5 * MINUTES)
    assert_all_sent(world, first, 2)
    assert_all_sent(world, second, 4)
    assert queue_messages_of(world, second) == 400


def test_messages_lost_beside_recipients_that_always_fail_are_queued_again() -> None:
    """The failing messages keep the queue busy and bring no progress until the end of the mailing."""
    world = recording_world(12)
    bad = {1, 2, 3}
    gateway = world.services.gateway = AnsweringGateway(world.clock)
    gateway.answer = lambda number: Answer(500) if number % 10**10 in bad else gateway.OK
    mailing_id = world.mailing(lasts=DAYS)
    world.do_jobs()
    lost = [one.id for one in world.services.send_queue.messages.values() if one.id in {"m8", "m9"}]
    for name in lost:
        world.services.send_queue.lose(name)
    world.run(60 * MINUTES, step=15)
    assert world.get(mailing_id).counts.sent == 12 - len(bad)
    assert queue_messages_of(world, mailing_id) <= 12 + len(lost)
    world.run(4 * 60 * MINUTES, step=60)
    assert world.get(mailing_id).rounds <= 12
    assert queue_messages_of(world, mailing_id) <= 12 + len(lost)


class SteeredMessages(FakeMessages):
    """`decision` is carried out while a worker reads page number `at`."""

    def __init__(self, messages: FakeMessages, at: int, decision: Callable[[], None]) -> None:
        vars(self).update(vars(messages))
        self.pages = 0
        self.at = at
        self.decision = decision

    def page(self, *arguments: Any, **named: Any) -> list[Message]:
        page = super().page(*arguments, **named)
        self.pages += 1
        if self.pages == self.at:
            self.decision()
        return page


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancelled", "its end is moved to now"])
def test_a_slow_worker_reopens_nothing_of_a_mailing_that_has_ended(is_cancelled: bool) -> None:
    world = World()
    world.clients(PAGE + 20)
    world.services.gateway.default_answer = Answer(400)
    mailing_id = world.mailing(lasts=DAYS)
    world.run(3 * MINUTES)
    assert world.get(mailing_id).counts.failed == PAGE + 20
    resend_mailing(world.services, mailing_id, ["failed"])

    def end() -> None:
        if is_cancelled:
            cancel_mailing(world.services, mailing_id)
        else:
            change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now()})
        world.do_jobs()
        assert world.get(mailing_id).ended_at

    world.services.messages = SteeredMessages(world.services.messages, at=2, decision=end)
    world.run(15 * MINUTES)
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id)
    assert world.get(mailing_id).counts.failed == 20
