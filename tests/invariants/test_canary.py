"""The canary: the first messages are posted, and the others wait until the error rate is known, also after a crash at
any call.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.clients.registry import opt_out_client
from chalicelib.delivery.sender import Sender
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import ReceivedMessage, SendMessage
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing, resend_mailing, resume_mailing
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.world import World
from tests.depth import crash_points

DAY = 24 * 3600
REFUSAL = Answer(400, "no")
DOWN = Answer(503)
MOSCOW, KAMCHATKA = "Europe/Moscow", "Asia/Kamchatka"


def announced(clients: int, canary: int, batch: int = 10, lasts: float = 3600, **fields: Any) -> tuple[World, int]:
    world = World()
    world.batch = batch
    world.clients(clients)
    return world, world.mailing(lasts=lasts, canary=canary, **fields)


def sent_to(world: World) -> set[int]:
    return {post.message_id % 10**10 for post in world.services.gateway.posts}


def assert_every_client_has_it_once(world: World, mailing_id: int, number: int) -> None:
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=number, sent=number))
    assert mailing.counts == world.counted_rows(mailing_id)
    assert set(world.services.gateway.accepted.values()) == {1}


def test_the_canary_is_posted_first_and_the_others_wait_for_its_result() -> None:
    world, mailing_id = announced(50, canary=10)
    world.do_jobs()
    assert len(world.services.send_queue.messages) == 10, "the other messages have no queue message"
    world.services.gateway.answers = [DOWN]
    world.send_all()
    assert (len(sent_to(world)), world.get(mailing_id).counts.sent) == (10, 9)
    assert world.get(mailing_id).awaits_canary
    world.run(300)
    assert_every_client_has_it_once(world, mailing_id, 50)


def test_messages_beyond_the_canary_wait_even_if_a_sender_has_a_stale_mailing_in_its_cache() -> None:
    world, mailing_id = announced(50, canary=10)
    world.do_jobs()
    senders = [Sender(world.services) for _ in range(3)]
    for sender in senders:
        sender.mailings.get(mailing_id)
    for client_id in range(1, 51):
        world.services.send_queue.send([SendMessage(mailing_id, client_id)])
    for sender in itertools.cycle(senders):
        if not (deliveries := world.services.send_queue.receive(7)):
            break
        batch = [ReceivedMessage(one.id, one.receipt_handle, one.body, one.receive_count) for one in deliveries]
        assert sender.send_batch(batch, lambda: 60.0) == []
        world.services.send_queue.delete([one.receipt_handle for one in deliveries])
    assert len(sent_to(world)) == 10
    world.run(300)
    assert_every_client_has_it_once(world, mailing_id, 50)


@pytest.mark.parametrize("refusals", [0, 10], ids=["passed", "passed by a resume"])
def test_a_released_message_is_sent_at_once_by_a_sender_whose_cached_mailing_has_a_place_in_the_canary(
    refusals: int,
) -> None:
    world, mailing_id = announced(50, canary=10, max_error_rate=0)
    world.services.gateway.answers = [REFUSAL] * refusals
    world.do_jobs()
    world.sender_of(world.services).mailings.get(mailing_id)
    deliveries = world.services.send_queue.receive(10)
    another = Sender(world.services)
    records = [ReceivedMessage(one.id, one.receipt_handle, one.body, one.receive_count) for one in deliveries]
    assert another.send_batch(records, lambda: 60.0) == []
    world.services.send_queue.delete([one.receipt_handle for one in deliveries])
    world.do_jobs()
    if world.get(mailing_id).status == "paused":
        resume_mailing(world.services, mailing_id)
        world.do_jobs()
    world.send_all()
    assert len(sent_to(world)) == 50


def test_a_mailing_continues_by_itself_if_few_canary_messages_fail() -> None:
    world, mailing_id = announced(50, canary=10, max_error_rate=20)
    world.services.gateway.answers = [REFUSAL, REFUSAL]
    world.run(120)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.sent, mailing.counts.failed) == ("finished", 48, 2)
    assert (mailing.paused_because, world.services.audit.records) == (None, [])


def test_too_many_failures_pause_the_mailing_with_a_reason_and_the_canary_as_author() -> None:
    world, mailing_id = announced(50, canary=10)
    world.services.gateway.default_answer = REFUSAL
    world.services.gateway.answers = [world.services.gateway.OK] * 8
    world.run(600)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("paused", Counts(total=50, sent=8, failed=2))
    assert str(mailing.paused_because) == "2 of the first 10 messages failed: more than 10 %."
    (record,) = world.services.audit.records
    assert (record.who, record.action, record.id) == ("the service itself", "paused", str(mailing_id))
    assert record.after == {"status": "paused", "paused_because": str(mailing.paused_because)}


def test_a_resume_after_a_failed_canary_passes_the_canary() -> None:
    world, mailing_id = announced(50, canary=10, max_error_rate=0)
    world.services.gateway.answers = [REFUSAL]
    world.run(120)
    assert world.get(mailing_id).status == "paused"
    assert resume_mailing(world.services, mailing_id).paused_because is None
    world.services.gateway.answers = [REFUSAL] * 20
    world.run(120)
    assert (world.get(mailing_id).status, world.get(mailing_id).counts.failed) == ("finished", 21)


def test_a_pause_and_a_resume_before_the_result_release_no_other_messages() -> None:
    world, mailing_id = announced(50, canary=10)
    world.services.gateway.default_answer = DOWN
    world.tick()
    pause_mailing(world.services, mailing_id)
    world.run(60)
    resume_mailing(world.services, mailing_id)
    world.run(600)
    assert world.get(mailing_id).awaits_canary
    assert len(sent_to(world)) <= 10
    world.services.gateway.default_answer = REFUSAL
    world.run(1200)
    assert (world.get(mailing_id).status, len(sent_to(world))) == ("paused", 10)


def test_retries_of_the_canary_are_posted_while_the_others_wait_without_repeated_rounds() -> None:
    world, mailing_id = announced(30, canary=5)
    world.services.gateway.default_answer = DOWN
    world.run(1800)
    assert len(sent_to(world)) == 5
    assert len(world.services.gateway.posts) > 20
    assert world.get(mailing_id).rounds <= 2
    world.services.gateway.default_answer = world.services.gateway.OK
    world.run(1500)
    assert_every_client_has_it_once(world, mailing_id, 30)


def test_an_audience_smaller_than_its_canary_is_sent_and_finished() -> None:
    world, mailing_id = announced(3, canary=10)
    world.services.gateway.default_answer = REFUSAL
    world.run(120)
    assert (world.get(mailing_id).status, world.get(mailing_id).counts.failed) == ("finished", 3)


def test_messages_that_wait_for_the_canary_expire_at_the_end() -> None:
    world, mailing_id = announced(30, canary=5, lasts=600)
    world.services.gateway.default_answer = DOWN
    world.run(900)
    assert (world.get(mailing_id).status, world.get(mailing_id).counts) == ("finished", Counts(total=30, expired=30))


def test_an_end_moved_after_a_failed_canary_does_not_release_the_others() -> None:
    world, mailing_id = announced(30, canary=5, lasts=300)
    world.services.gateway.default_answer = REFUSAL
    world.run(600)
    assert world.get(mailing_id).counts == Counts(total=30, failed=5, expired=25)
    change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now() + timedelta(hours=1)})
    world.run(120)
    assert (world.get(mailing_id).status, len(sent_to(world))) == ("paused", 5)
    assert world.get(mailing_id).paused_because is not None


def test_a_resend_of_the_canary_is_judged_again() -> None:
    world, mailing_id = announced(30, canary=30, max_error_rate=0)
    world.services.gateway.answers = [REFUSAL]
    world.run(120)
    assert world.get(mailing_id).status == "finished", "no message waits"
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(120)
    assert_every_client_has_it_once(world, mailing_id, 30)


def test_opted_out_clients_in_the_canary_are_replaced() -> None:
    world, mailing_id = announced(30, canary=5)
    world.do_jobs()
    for client_id in (1, 2, 3, 4, 5):
        opt_out_client(world.services, client_id)
    world.run(600)
    assert world.get(mailing_id).counts == Counts(total=30, sent=25, cancelled=5)


def test_canary_messages_cancelled_after_their_first_attempt_are_replaced() -> None:
    world, mailing_id = announced(30, canary=2)
    world.services.gateway.answers = [DOWN, DOWN]
    world.tick()
    for client_id in sent_to(world):
        opt_out_client(world.services, client_id)
    world.run(900)
    assert world.get(mailing_id).counts == Counts(total=30, sent=28, cancelled=2)
    assert world.get(mailing_id).status == "finished"


def test_with_local_hours_the_canary_consists_of_clients_within_their_hours() -> None:
    world = World()
    world.clients(20, timezone=KAMCHATKA)
    world.clients(20, timezone=MOSCOW)
    mailing_id = world.mailing(lasts=DAY, canary=5, time_from=time(9), time_to=time(21))
    world.services.gateway.answers = [REFUSAL] * 4
    world.run(120)
    assert (world.get(mailing_id).status, len(sent_to(world))) == ("paused", 5)
    assert min(sent_to(world)) > 20
    resume_mailing(world.services, mailing_id)
    world.run(DAY / 2, step=30)
    assert world.get(mailing_id).counts == Counts(total=40, sent=36, failed=4)


def test_a_canary_message_that_leaves_its_local_hours_is_replaced_by_one_within_them() -> None:
    world = World()
    world.clients(1, timezone=MOSCOW)
    world.clients(5, timezone="UTC")
    world.clock.forward(6 * 3600 - 60)  # 20:59 in Moscow
    mailing_id = world.mailing(lasts=DAY, canary=1, time_from=time(9), time_to=time(21))
    world.services.gateway.answers = [Answer(429, "", "120")]
    world.run(1800)
    assert world.get(mailing_id).counts == Counts(total=6, sent=5)
    world.run(DAY / 2, step=30)
    assert world.get(mailing_id).counts.sent == 6
    assert world.services.gateway.posts[-1].at == datetime(2026, 11, 24, 6, tzinfo=UTC)


def test_a_canary_outside_its_local_hours_causes_no_repeated_rounds() -> None:
    world = World()
    world.clients(3, timezone=MOSCOW)
    world.clients(9, timezone=KAMCHATKA)
    mailing_id = world.mailing(lasts=DAY, canary=5, time_from=time(9), time_to=time(21))
    world.run(8 * 3600, step=30)
    assert (world.get(mailing_id).counts.sent, world.get(mailing_id).rounds <= 4) == (3, True)
    world.run(DAY / 4, step=30)
    assert_every_client_has_it_once(world, mailing_id, 12)


def test_a_lost_round_is_queued_again_even_if_another_mailing_keeps_the_queue_busy() -> None:
    world, mailing_id = announced(30, canary=5)
    world.do_jobs()
    world.send_all()
    world.services.jobs_queue.messages.clear()
    world.services.send_queue.send([SendMessage(99, 1)], [900])
    world.run(300)
    assert_every_client_has_it_once(world, mailing_id, 30)


def test_canary_places_lost_with_their_sender_are_filled_even_if_another_mailing_keeps_the_queue_busy() -> None:
    world, mailing_id = announced(30, canary=5)
    world.do_jobs()
    for _ in range(5):
        world.services.mailings.admit_to_canary(mailing_id, world.clock.now())
    world.services.send_queue.send([SendMessage(99, 1)], [900])
    world.run(600)
    assert_every_client_has_it_once(world, mailing_id, 30)


def test_canary_messages_lost_by_the_queue_do_not_block_the_others_for_good() -> None:
    world, mailing_id = announced(30, canary=5)
    world.do_jobs()
    world.services.send_queue.messages.clear()
    world.run(600)
    assert_every_client_has_it_once(world, mailing_id, 30)


def test_the_canary_stays_as_announced_and_the_sweep_plans_nothing_after_its_pause() -> None:
    world, mailing_id = announced(30, canary=5)
    world.services.gateway.default_answer = REFUSAL
    world.run(300)
    assert world.get(mailing_id).status == "paused"
    assert not any(sweep(world.services).values())


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("victim", range(9))
def test_a_crash_at_any_call_loses_doubles_and_releases_no_message(victim: int, after: bool) -> None:
    """The invocations: start, slice, two batches of the canary, the round that judges it, the round that queues the
    others, and the rest.
    """
    for at in crash_points():
        world, mailing_id = announced(23, canary=8, batch=4)
        crashing = world.crashing[victim] = CrashingServices(world.services, at, after)
        seen: list[int] = []

        def watch(world: World = world, mailing_id: int = mailing_id, seen: list[int] = seen) -> None:
            if world.get(mailing_id).awaits_canary:
                seen.append(len(sent_to(world)))

        world.services.gateway.while_posting = watch
        world.run(1500)
        assert world.get(mailing_id).counts == world.counted_rows(mailing_id) == Counts(total=23, sent=23)
        assert sum(world.services.gateway.accepted.values()) - 23 <= (world.batch if crashing.is_dead else 0)
        assert max(seen) == 8, "only the canary is posted"
        if not crashing.is_dead:
            break


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("victim", range(7))
def test_a_failed_canary_pauses_the_mailing_after_a_crash_at_any_call(victim: int, after: bool) -> None:
    for at in crash_points():
        world, mailing_id = announced(23, canary=8, batch=4)
        world.services.gateway.default_answer = REFUSAL
        crashing = world.crashing[victim] = CrashingServices(world.services, at, after)
        world.run(900)
        mailing = world.get(mailing_id)
        assert (mailing.status, len(sent_to(world)), mailing.counts.total) == ("paused", 8, 23)
        assert world.counted_rows(mailing_id).failed == 8
        assert str(mailing.paused_because) == "8 of the first 8 messages failed: more than 10 %."
        assert len(world.services.audit.records) == 1
        if not crashing.is_dead:
            break
