"""A running mailing can be paused, resumed, cancelled and resent. Messages in doubt are shown and left to a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.delivery.sender import Sender
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.client import CLIENT_ID
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import SendMessage
from chalicelib.domain.message import MessageKey
from chalicelib.errors import NotInThisStatus
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import cancel_mailing, change_mailing, pause_mailing, resend_mailing, resume_mailing
from infra.local.doubles.world import World

SILENCE = Answer(None, "ReadTimeout")
REFUSAL = Answer(400, "no")


def fanned_out(clients: int, **settings: Any) -> tuple[World, int]:
    world = World(**settings)
    world.clients(clients)
    mailing_id = world.mailing()
    world.do_jobs()
    return world, mailing_id


def posted(world: World) -> int:
    return len(world.services.gateway.posts)


def test_a_paused_mailing_sends_nothing_and_does_no_work_until_it_is_resumed() -> None:
    world, mailing_id = fanned_out(20)
    world.send(world.services.send_queue.receive(8))
    pause_mailing(world.services, mailing_id)
    world.clock.forward(1)
    world.run(600)
    assert posted(world) == 8
    assert world.services.send_queue.messages == {}, "no message is queued repeatedly"
    assert world.get(mailing_id).counts.queued == 12
    resume_mailing(world.services, mailing_id)
    world.tick()
    assert posted(world) == 20, "at once, without a delay"
    world.run(120)
    assert world.get(mailing_id).status == "finished"
    assert set(world.services.gateway.accepted.values()) == {1}


def test_a_sender_with_a_cached_mailing_sees_the_pause_within_two_seconds() -> None:
    world, mailing_id = fanned_out(20)
    sender = Sender(world.services)
    sender.mailings.get(mailing_id)
    pause_mailing(world.services, mailing_id)
    world.clock.forward(1)
    assert sender.mailings.get(mailing_id) == world.get(mailing_id)


def test_a_mailing_paused_during_its_fan_out_reaches_every_client_after_the_resume() -> None:
    world = World()
    world.clients(20)
    mailing_id = world.mailing()
    world.do_job_of(world.services.jobs_queue.receive(1)[0])
    pause_mailing(world.services, mailing_id)
    world.run(300)
    assert posted(world) == 0
    assert world.get(mailing_id).counts == Counts(total=20)
    resume_mailing(world.services, mailing_id)
    world.run(120)
    assert world.get(mailing_id).counts == Counts(total=20, sent=20)


def test_a_resume_that_died_before_it_queued_messages_is_completed_by_the_sweep() -> None:
    world, mailing_id = fanned_out(20)
    pause_mailing(world.services, mailing_id)
    world.run(120)
    resume_mailing(world.services, mailing_id)
    world.services.jobs_queue.messages.clear()
    world.services.send_queue.send([SendMessage(99, 1)], [900])
    world.run(300)
    assert world.get(mailing_id).counts.sent == 20, "even if another mailing keeps the queue busy"


def test_a_paused_mailing_ends_at_its_end() -> None:
    world, mailing_id = fanned_out(20)
    pause_mailing(world.services, mailing_id)
    world.run(3700, step=20)
    assert posted(world) == 0
    assert (world.get(mailing_id).status, world.get(mailing_id).counts) == ("finished", Counts(total=20, expired=20))


def test_a_cancelled_mailing_sends_nothing_more_and_its_queued_messages_are_closed() -> None:
    world, mailing_id = fanned_out(20)
    world.send(world.services.send_queue.receive(8))
    cancel_mailing(world.services, mailing_id)
    world.clock.forward(1)
    world.run(120)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("cancelled", Counts(total=20, sent=8, cancelled=12))
    assert mailing.counts == world.counted_rows(mailing_id)
    assert mailing.ended_at is not None
    assert world.services.counters.finished == mailing.counts
    assert not any(sweep(world.services).values())


def test_a_cancellation_during_the_fan_out_stops_the_fan_out() -> None:
    world = World()
    world.clients(20)
    mailing_id = world.mailing()
    world.do_job_of(world.services.jobs_queue.receive(1)[0])
    cancel_mailing(world.services, mailing_id)
    world.run(300)
    mailing = world.get(mailing_id)
    assert (mailing.counts, mailing.ended_at is None) == (Counts(), False)
    assert world.counted_rows(mailing_id) == Counts()


def test_a_cancellation_that_died_before_it_closed_messages_is_completed_by_the_sweep() -> None:
    world, mailing_id = fanned_out(20)
    cancel_mailing(world.services, mailing_id)
    world.services.jobs_queue.messages.clear()
    world.run(200)
    assert world.get(mailing_id).counts == Counts(total=20, cancelled=20)


def test_a_cancelled_mailing_with_a_schedule_never_starts() -> None:
    world = World()
    world.clients(3)
    mailing_id = world.mailing(starts_in=100)
    cancel_mailing(world.services, mailing_id)
    assert world.services.schedules.times == {}
    world.run(300)
    assert world.get(mailing_id).counts == Counts()
    assert posted(world) == 0


def test_messages_in_flight_at_the_cancellation_are_recorded_with_their_outcome() -> None:
    world, mailing_id = fanned_out(3)
    world.services.gateway.while_posting = lambda: cancel_mailing(world.services, mailing_id) and None
    world.send(world.services.send_queue.receive(1))
    world.run(200)
    assert world.get(mailing_id).counts == Counts(total=3, sent=1, cancelled=2)


def test_a_resend_queues_exactly_the_failed_messages() -> None:
    world, mailing_id = fanned_out(20)
    world.services.gateway.answers = [REFUSAL] * 5
    world.run(120)
    assert world.get(mailing_id).counts == Counts(total=20, sent=15, failed=5)
    resend_mailing(world.services, mailing_id, ["failed", "unknown"])
    world.run(200)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=20, sent=20))
    assert set(world.services.gateway.accepted.values()) == {1}
    assert posted(world) == 25
    assert world.services.counters.finished == mailing.counts


def test_a_resent_message_that_fails_again_is_not_retried_forever() -> None:
    world, mailing_id = fanned_out(4)
    world.services.gateway.default_answer = REFUSAL
    world.run(120)
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(600)
    assert posted(world) == 8
    assert world.get(mailing_id).counts == Counts(total=4, failed=4)
    assert world.get(mailing_id).status == "finished"


def test_the_delay_of_a_retry_does_not_grow_with_the_attempts_before_a_resend() -> None:
    world, mailing_id = fanned_out(1)
    world.services.gateway.answers = [Answer(500)] * 6 + [REFUSAL]
    world.run(1200)
    assert world.get(mailing_id).counts.failed == 1
    resend_mailing(world.services, mailing_id, ["failed"])
    world.do_jobs()
    world.services.gateway.answers = [Answer(500)]
    world.send(world.services.send_queue.receive(1))
    (waiting,) = world.services.send_queue.messages.values()
    assert (waiting.visible_at - world.clock.now()).total_seconds() <= 4


def test_a_resend_order_is_carried_out_even_if_its_jobs_are_lost() -> None:
    world, mailing_id = fanned_out(4)
    world.services.gateway.answers = [REFUSAL] * 4
    world.run(120)
    resend_mailing(world.services, mailing_id, ["failed"])
    world.services.jobs_queue.messages.clear()
    world.run(300)
    assert world.get(mailing_id).counts == Counts(total=4, sent=4)


def test_a_resend_that_is_paused_before_it_is_carried_out_survives_a_later_end() -> None:
    world, mailing_id = fanned_out(4)
    world.services.gateway.answers = [REFUSAL] * 4
    world.run(120)
    resend_mailing(world.services, mailing_id, ["failed"])
    pause_mailing(world.services, mailing_id)
    world.run(120)
    change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now() + timedelta(days=2)})
    world.run(120)
    resume_mailing(world.services, mailing_id)
    world.run(300)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=4, sent=4))


def test_a_paused_mailing_with_an_order_to_resend_ends_at_its_end() -> None:
    world, mailing_id = fanned_out(4)
    world.services.gateway.answers = [REFUSAL] * 4
    world.run(120)
    resend_mailing(world.services, mailing_id, ["failed"])
    pause_mailing(world.services, mailing_id)
    world.run(3700, step=20)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=4, failed=4))
    assert mailing.rounds <= 3


def test_a_round_that_began_before_a_resend_order_does_not_finish_the_mailing() -> None:
    world, mailing_id = fanned_out(4)
    world.services.gateway.answers = [REFUSAL] * 4
    world.send_all()
    assert len(world.services.jobs_queue.messages) == 1, "the round that would finish the mailing"
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(300)
    assert world.get(mailing_id).counts == Counts(total=4, sent=4)


def test_expired_messages_are_sent_when_the_end_is_moved() -> None:
    world = World()
    world.clients(4)
    mailing_id = world.mailing(lasts=50)
    world.do_jobs()
    world.clock.forward(60)
    world.run(120)
    assert world.get(mailing_id).counts.expired == 4
    with pytest.raises(NotInThisStatus, match="datetime_end"):
        resend_mailing(world.services, mailing_id, ["expired"])
    change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now() + timedelta(hours=1)})
    resend_mailing(world.services, mailing_id, ["expired"])
    world.run(200)
    assert world.get(mailing_id).counts == Counts(total=4, sent=4)
    assert set(world.services.gateway.accepted.values()) == {1}


def test_without_a_gateway_that_deduplicates_a_post_without_an_answer_is_not_repeated() -> None:
    world, mailing_id = fanned_out(20, gateway_dedupes=False)
    world.services.gateway.answers = [SILENCE] * 3
    world.run(300)
    assert posted(world) == 20
    assert world.get(mailing_id).counts == Counts(total=20, sent=17, unknown=3)
    assert world.get(mailing_id).status == "finished"
    resend_mailing(world.services, mailing_id, ["unknown"])
    world.run(200)
    assert world.get(mailing_id).counts == Counts(total=20, sent=20)


def test_without_a_gateway_that_deduplicates_an_attempt_that_died_is_not_repeated() -> None:
    world, mailing_id = fanned_out(3, gateway_dedupes=False)
    now = world.clock.now()
    world.services.messages.claim(MessageKey(mailing_id, 2, 1), now, now + timedelta(seconds=15))
    world.run(300)
    assert posted(world) == 2
    assert world.services.messages.rows[mailing_id, 2].status == "unknown"
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id) == Counts(total=3, sent=2, unknown=1)


def test_an_unreachable_gateway_leaves_no_message_in_doubt() -> None:
    world, mailing_id = fanned_out(5, gateway_dedupes=False)
    world.services.gateway.answers = [Answer(None, "ConnectTimeout", never_sent=True)] * 4
    world.run(600)
    assert world.get(mailing_id).counts == Counts(total=5, sent=5)


def test_a_message_that_a_resend_leaves_in_doubt_is_not_posted_again_by_the_next_resend_of_others() -> None:
    world = World(gateway_dedupes=False)
    world.services.counters.ids[CLIENT_ID] = 55_000  # three shards, so that the first one is reopened before the last
    world.clients(6)
    world.services.gateway.answers = [SILENCE] * 3 + [REFUSAL] * 3
    mailing_id = world.mailing()
    world.run(300)
    assert world.get(mailing_id).counts == Counts(total=6, unknown=3, failed=3)
    resend_mailing(world.services, mailing_id, ["unknown"])
    for job in world.services.jobs_queue.receive(2):
        world.do_job_of(job)
    world.services.gateway.answers = [SILENCE] * 2
    world.send_all()
    assert (posted(world), world.get(mailing_id).counts.unknown) == (8, 3)
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(300)
    assert world.get(mailing_id).counts == Counts(total=6, sent=4, unknown=2)


def test_with_a_gateway_that_deduplicates_a_post_without_an_answer_is_repeated_with_the_same_id() -> None:
    world, mailing_id = fanned_out(1)
    world.services.gateway.answers = [SILENCE]
    world.run(300)
    assert [post.message_id for post in world.services.gateway.posts] == [10_000_000_001] * 2
    assert world.get(mailing_id).counts == Counts(total=1, sent=1)


def test_a_mailing_that_has_ended_has_the_number_of_its_posts() -> None:
    world = World()
    world.clients(3)
    world.services.gateway.default_answer = Answer(500)
    mailing_id = world.mailing()
    world.run(30)
    assert world.get(mailing_id).attempts is None
    world.services.gateway.default_answer = world.services.gateway.OK
    world.run(600)
    posts = len(world.services.gateway.posts)
    assert world.get(mailing_id).attempts == posts > 3


def test_the_last_post_and_the_end_are_recorded() -> None:
    world, mailing_id = fanned_out(20)
    world.run(300)
    mailing = world.get(mailing_id)
    assert mailing.last_post_at == max(post.at for post in world.services.gateway.posts)
    assert mailing.ended_at is not None
    assert mailing.last_post_at < mailing.ended_at < mailing.datetime_end
