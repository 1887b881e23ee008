"""After a crash at any call no message is lost or doubled, and the counts add up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from chalicelib.delivery.fanout import SECONDS_FOR_A_PAGE, walk_slice
from chalicelib.domain.jobs import SendMessage
from chalicelib.mailings.lifecycle import announce_mailing
from infra.local.doubles.crashing_services import Crash, CrashingServices
from infra.local.doubles.world import World
from tests.depth import crash_points

CLIENTS = 23
PRICE = 1_500_000
"""Of an SMS part, in millionths."""

INVOCATIONS = 8
"""The invocations of a mailing: start, slice, three batches, sweep, reconciliation and one more."""


def assert_every_client_has_it_once(world: World, mailing_id: int, repeats_allowed: int = 0) -> None:
    mailing = world.get(mailing_id)
    assert mailing.status == "finished"
    assert mailing.counts == world.counted_rows(mailing_id)
    assert (mailing.counts.parts, mailing.counts.cost) == world.money_by_rows(mailing_id) == (CLIENTS, CLIENTS * PRICE)
    assert (world.services.counters.finished.parts, world.services.counters.finished.cost) == (CLIENTS, CLIENTS * PRICE)
    assert mailing.counts.sent == CLIENTS
    accepted = world.services.gateway.accepted
    assert len(accepted) == CLIENTS
    assert sum(accepted.values()) - CLIENTS <= repeats_allowed
    assert world.services.counters.finished == mailing.counts


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("victim", range(INVOCATIONS))
def test_a_crash_at_any_call_of_an_invocation_loses_and_doubles_nothing(victim: int, after: bool) -> None:
    for at in crash_points():
        world = World(gateway_price=PRICE)
        world.clients(CLIENTS)
        crashing = world.crashing[victim] = CrashingServices(world.services, at, after)
        mailing_id = world.mailing()
        world.run(1200)
        assert_every_client_has_it_once(world, mailing_id, repeats_allowed=world.batch if crashing.is_dead else 0)
        if not crashing.is_dead:
            assert at > 1, "the invocation made no call"
            break


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("sender", [2, 3, 4])
def test_a_mailing_ends_although_a_sender_died_and_others_keep_the_queue_busy(sender: int, after: bool) -> None:
    """A message of another mailing is in the queue all the time, as while that one waits for its rate."""
    for at in crash_points():
        world = World(gateway_price=PRICE)
        world.clients(CLIENTS)
        world.services.send_queue.send([SendMessage(mailing_id=99, client_id=1)], [3600])
        crashing = world.crashing[sender] = CrashingServices(world.services, at, after)
        mailing_id = world.mailing()
        world.run(420)
        assert not world.services.send_queue.is_idle()
        assert_every_client_has_it_once(world, mailing_id, repeats_allowed=world.batch if crashing.is_dead else 0)
        assert world.get(mailing_id).rounds <= 2
        if not crashing.is_dead:
            break


@pytest.mark.parametrize("at", range(2, 50, 6))
@pytest.mark.parametrize("victim", range(INVOCATIONS))
def test_a_crash_while_other_threads_are_at_work_loses_and_doubles_nothing(victim: int, at: int) -> None:
    """The other tests make one call after another, so that each run is the same."""
    world = World(sender_threads=4, gateway_price=PRICE)
    world.services.thread_pool = ThreadPoolExecutor  # type: ignore[method-assign]
    world.clients(CLIENTS)
    crashing = world.crashing[victim] = CrashingServices(world.services, at)
    mailing_id = world.mailing()
    world.run(1200)
    assert_every_client_has_it_once(world, mailing_id, repeats_allowed=world.batch if crashing.is_dead else 0)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("at", range(1, 5))
def test_a_mailing_whose_announcement_crashes_is_complete_or_absent(at: int, after: bool) -> None:
    world = World(gateway_price=PRICE)
    world.clients(CLIENTS)
    start = world.clock.now()
    fields = {"datetime_start": start, "datetime_end": start.replace(hour=20), "message_text": "text"}
    with suppress(Crash):
        announce_mailing(CrashingServices(world.services, at, after), fields)
    world.run(900)
    assert len(world.services.mailings.rows) == int((at, after) >= (2, True))
    for mailing_id in world.services.mailings.rows:
        assert_every_client_has_it_once(world, mailing_id)


def test_a_mailing_without_its_schedule_is_started_by_the_sweep() -> None:
    world = World(gateway_price=PRICE)
    world.clients(CLIENTS)
    mailing_id = world.mailing(starts_in=120)
    world.services.schedules.times.clear()
    world.run(600)
    assert_every_client_has_it_once(world, mailing_id)


def test_messages_lost_by_the_send_queue_are_queued_again() -> None:
    world = World(gateway_price=PRICE)
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    world.do_jobs()
    for name in list(world.services.send_queue.messages)[::2]:
        world.services.send_queue.lose(name)
    world.run(900)
    assert_every_client_has_it_once(world, mailing_id)


def test_slices_whose_job_was_lost_are_queued_again() -> None:
    world = World(gateway_price=PRICE)
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    world.do_job_of(world.services.jobs_queue.receive(1)[0])
    world.services.jobs_queue.messages.clear()
    world.run(900)
    assert_every_client_has_it_once(world, mailing_id)


def test_a_reconciliation_round_whose_job_was_lost_is_queued_again() -> None:
    world = World(gateway_price=PRICE)
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    world.do_jobs()
    world.send_all()
    assert len(world.services.jobs_queue.messages) == 1
    world.services.jobs_queue.messages.clear()
    assert world.get(mailing_id).status == "running"
    world.run(300)
    assert_every_client_has_it_once(world, mailing_id)


def test_queue_messages_delivered_twice_reach_every_client_once() -> None:
    world = World(gateway_price=PRICE)
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    for _ in range(3):
        for queue in (world.services.jobs_queue, world.services.send_queue):
            for delivery in list(queue.messages.values()):
                queue.send_body(delivery.body)
        world.tick()
    world.run(300)
    assert_every_client_has_it_once(world, mailing_id)


def test_a_page_in_doubt_is_walked_again_and_leaves_sent_messages_unchanged() -> None:
    """The worker dies after it queued a page and before it moved the cursor. The page is sent in the meantime."""
    world = World(gateway_price=PRICE)
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    advance = 1 + 1 + 1 + 1 + 1  # mailing, lease, read, rows, queue: it dies before the cursor
    world.crashing[1] = CrashingServices(world.services, advance + 1)
    world.do_jobs()
    assert not world.services.slices.rows[mailing_id, 0].done
    assert len(world.services.send_queue.messages) == CLIENTS
    world.send_all()
    assert world.counted_rows(mailing_id).sent == CLIENTS
    world.run(600)
    assert_every_client_has_it_once(world, mailing_id)


def test_a_slice_that_runs_out_of_time_continues_from_its_cursor() -> None:
    world = World(gateway_price=PRICE)
    world.clients(2500)
    mailing_id = world.mailing()
    world.do_job_of(world.services.jobs_queue.receive(1)[0])
    world.services.jobs_queue.messages.clear()
    pages = 0
    while not walk_slice(world.services, mailing_id, 0, iter([60.0, 60.0, SECONDS_FOR_A_PAGE - 1]).__next__):
        pages += 1
        assert len(world.services.messages.rows) == 1000 * pages - 1, "one block for each slice; ids begin with 1"
    assert pages == 2
    assert world.get(mailing_id).counts.total == 2500
    assert world.get(mailing_id).is_fanned_out
    assert len(world.services.send_queue.messages) == 2500


def test_an_audience_of_several_slices_is_walked_once() -> None:
    world = World(gateway_price=PRICE)
    world.services.counters.ids["client_id"] = 15_000
    world.clients(20)
    world.services.counters.ids["client_id"] = 55_000
    world.clients(3)
    mailing_id = world.mailing()
    world.run(300)
    assert world.get(mailing_id).started_plan.slices == 3
    assert_every_client_has_it_once(world, mailing_id)
