"""No message is posted twice or outside the allowed time, and an outage costs only probes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.clients.registry import change_client, delete_client
from chalicelib.delivery.sender import Sender
from chalicelib.domain.jobs import ReceivedMessage
from chalicelib.domain.message import MessageKey
from chalicelib.errors import NotWritten
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing, delete_mailing, resume_mailing
from infra.local.doubles.world import World

DOWN = Answer(None, "ConnectionError")


def records(world: World, limit: int = 100) -> list[ReceivedMessage]:
    deliveries = world.services.send_queue.receive(limit)
    return [ReceivedMessage(one.id, one.receipt_handle, one.body, one.receive_count) for one in deliveries]


def fanned_out(clients: int, lasts: float = 3600) -> tuple[World, int]:
    world = World()
    world.clients(clients)
    mailing_id = world.mailing(lasts=lasts)
    world.do_jobs()
    return world, mailing_id


def test_two_senders_with_the_same_message_post_it_once() -> None:
    world, mailing_id = fanned_out(1)
    record = records(world)[0]
    answers = []

    def second_sender() -> None:
        world.services.gateway.while_posting = lambda: None
        answers.append(Sender(world.services).send_batch([record], lambda: 60.0))

    world.services.gateway.while_posting = second_sender
    assert Sender(world.services).send_batch([record], lambda: 60.0) == []
    assert answers == [[record.id]], "the second sender returns the message until the claim of the first has ended"
    assert len(world.services.gateway.posts) == 1
    assert world.counted_rows(mailing_id).sent == 1


def test_a_finished_message_is_never_posted_again() -> None:
    world, _ = fanned_out(1)
    record = records(world)[0]
    for _ in range(3):
        assert Sender(world.services).send_batch([record], lambda: 60.0) == []
    assert len(world.services.gateway.posts) == 1


def test_an_attempt_that_died_is_repeated_with_the_same_id_after_its_claim() -> None:
    world, mailing_id = fanned_out(1)
    now = world.clock.now()
    world.services.messages.claim(MessageKey(mailing_id, 1, 1), now, now + timedelta(seconds=20))
    record = records(world)[0]
    assert Sender(world.services).send_batch([record], lambda: 60.0) == [record.id]
    world.run(300)
    assert [post.message_id for post in world.services.gateway.posts] == [10_000_000_001]
    assert world.services.messages.rows[mailing_id, 1].attempts == 2


def test_a_late_success_is_recorded_even_if_another_attempt_has_begun() -> None:
    world, mailing_id = fanned_out(1)
    messages, now = world.services.messages, world.clock.now()
    first = messages.claim(MessageKey(mailing_id, 1, 1), now, now + timedelta(seconds=1))
    second = messages.claim(MessageKey(mailing_id, 1, 1), now + timedelta(seconds=2), now + timedelta(seconds=9))
    assert first is not None
    assert second is not None
    assert not messages.settle(first, "failed", now, "no")
    assert messages.settle(first, "sent", now)
    assert not messages.settle(second, "failed", now, "no")


def test_a_mailing_whose_dates_are_past_in_any_order_sends_nothing() -> None:
    world = World()
    world.clients(3)
    backwards = world.mailing(starts_in=-3600, lasts=-3600)
    moved = world.mailing(starts_in=3600)
    now = world.clock.now()
    past = {"datetime_start": now - timedelta(hours=1), "datetime_end": now - timedelta(hours=2)}
    change_mailing(world.services, moved, past)  # type: ignore[arg-type]
    world.run(7200)
    for mailing_id in (backwards, moved):
        assert world.get(mailing_id).status == "finished"
        assert world.get(mailing_id).plan is None
    assert world.services.gateway.posts == []
    assert world.services.schedules.times == {}


def test_a_start_moved_into_the_past_leaves_no_schedule_behind() -> None:
    world = World()
    world.clients(3)
    mailing_id = world.mailing(starts_in=3600)
    change_mailing(world.services, mailing_id, {"datetime_start": world.clock.now() - timedelta(hours=1)})
    world.run(300)
    assert world.get(mailing_id).status == "finished"
    assert world.services.schedules.times == {}


def test_an_end_moved_before_the_start_ends_a_running_mailing_and_keeps_its_messages() -> None:
    world, mailing_id = fanned_out(30)
    world.services.gateway.default_answer = DOWN
    world.run(30)
    change_mailing(
        world.services, mailing_id, {"datetime_end": world.get(mailing_id).datetime_start - timedelta(days=999)}
    )
    world.services.gateway.default_answer = Answer(200, '{"code": 0, "message": "OK"}')
    world.run(300)
    assert world.get(mailing_id).status == "finished"
    assert world.counted_rows(mailing_id).expired == 30 == world.get(mailing_id).counts.expired
    assert min(world.services.messages.kept_until.values()) > world.clock.now()


def test_nothing_is_sent_after_the_end_and_queued_messages_expire() -> None:
    world, mailing_id = fanned_out(30, lasts=100)
    world.services.gateway.default_answer = DOWN
    world.run(95)
    world.services.gateway.default_answer = world.services.gateway.OK
    posts_before_the_end = len(world.services.gateway.posts)
    world.clock.forward(5)
    world.run(300)
    end = world.get(mailing_id).datetime_end
    assert all(post.at < end for post in world.services.gateway.posts)
    assert len(world.services.gateway.posts) == posts_before_the_end
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts.expired == 30


def test_a_post_may_not_last_beyond_the_end_of_the_mailing() -> None:
    world, _ = fanned_out(1, lasts=4)
    Sender(world.services).send_batch(records(world), lambda: 60.0)
    assert world.services.gateway.posts[0].timeout == 4


def test_no_post_begins_without_enough_time_left_in_the_invocation() -> None:
    world, _ = fanned_out(5)
    batch = records(world)
    assert Sender(world.services).send_batch(batch, lambda: 5.5) == [one.id for one in batch]
    assert world.services.gateway.posts == []
    world.run(120)
    assert len(world.services.gateway.accepted) == 5


def test_an_earlier_end_applies_at_once() -> None:
    world, mailing_id = fanned_out(20)
    world.clock.forward(10)
    change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now()})
    world.run(120)
    assert world.services.gateway.posts == []
    assert world.get(mailing_id).counts.expired == 20
    assert world.get(mailing_id).status == "finished"


def test_an_end_moved_into_the_future_reaches_expired_messages_once() -> None:
    world, mailing_id = fanned_out(20, lasts=100)
    world.send(world.services.send_queue.receive(8))
    world.services.send_queue.messages.clear()
    world.clock.forward(100)
    world.run(300)
    assert world.get(mailing_id).status == "finished"
    assert (world.get(mailing_id).counts.sent, world.get(mailing_id).counts.expired) == (8, 12)
    later = world.clock.now() + timedelta(hours=1)
    assert change_mailing(world.services, mailing_id, {"datetime_end": later}).status == "running"
    world.run(300)
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id)
    assert world.get(mailing_id).counts.sent == 20
    assert set(world.services.gateway.accepted.values()) == {1}
    assert world.services.counters.finished.sent == 20


def test_a_mailing_that_ended_before_its_start_is_sent_when_its_end_is_moved() -> None:
    world = World()
    world.clients(3)
    mailing_id = world.mailing(starts_in=-100, lasts=50)
    assert world.get(mailing_id).status == "finished"
    later = world.clock.now() + timedelta(hours=1)
    change_mailing(world.services, mailing_id, {"datetime_end": later})
    world.run(120)
    assert world.get(mailing_id).counts.sent == 3


def test_messages_fanned_out_after_the_end_expire_and_are_sent_when_the_end_is_moved() -> None:
    world = World()
    world.clients(5)
    mailing_id = world.mailing(lasts=30)
    world.clock.forward(31)
    world.run(120)
    assert world.services.gateway.posts == []
    assert world.get(mailing_id).counts.expired == 5
    assert world.get(mailing_id).status == "finished"
    later = world.clock.now() + timedelta(hours=1)
    change_mailing(world.services, mailing_id, {"datetime_end": later})
    world.run(120)
    assert world.get(mailing_id).counts.sent == 5


def test_a_schedule_that_fires_before_the_start_sends_nothing() -> None:
    world = World()
    world.clients(3)
    mailing_id = world.mailing(starts_in=300)
    world.services.schedules.times[mailing_id] = world.clock.now()
    world.run(60)
    assert world.services.gateway.posts == []
    assert world.get(mailing_id).status == "scheduled"
    world.run(600)
    assert len(world.services.gateway.accepted) == 3


def test_a_deleted_mailing_sends_nothing_more_and_is_not_in_the_statistics() -> None:
    world, mailing_id = fanned_out(10)
    world.send(world.services.send_queue.receive(4))
    world.clock.forward(1)
    delete_mailing(world.services, mailing_id)
    world.run(300)
    assert len(world.services.gateway.posts) == 4
    assert world.services.send_queue.messages == {}
    assert world.services.counters.mailings == 0


def test_the_message_of_a_deleted_client_is_cancelled() -> None:
    world, mailing_id = fanned_out(3)
    delete_client(world.services, 2)
    world.run(120)
    assert world.get(mailing_id).counts.by_status() == {
        "queued": 0,
        "sent": 2,
        "failed": 0,
        "expired": 0,
        "cancelled": 1,
        "unknown": 0,
    }
    assert {post.message_id % 10 for post in world.services.gateway.posts} == {1, 3}


def test_a_changed_phone_number_and_text_apply_to_messages_that_are_not_sent() -> None:
    world, mailing_id = fanned_out(1)
    change_client(world.services, 1, {"phone_number": "79990000000"})
    change_mailing(world.services, mailing_id, {"message_text": "new"})
    world.run(60)
    assert [(post.phone_number, post.text) for post in world.services.gateway.posts] == [("79990000000", "new")]


def test_a_message_that_the_gateway_refuses_for_good_fails_with_a_reason_and_is_not_retried() -> None:
    world, mailing_id = fanned_out(1)
    world.services.gateway.default_answer = Answer(400, "bad phone")
    world.run(300)
    assert len(world.services.gateway.posts) == 1
    assert str(world.services.messages.rows[mailing_id, 1].last_error) == "The gateway refused the message (400)."
    assert world.get(mailing_id).counts.failed == 1


def test_a_refused_token_fails_no_message() -> None:
    world, mailing_id = fanned_out(10)
    world.services.gateway.default_answer = Answer(401)
    world.run(300)
    assert (world.get(mailing_id).status, world.get(mailing_id).counts.queued) == ("paused", 10)
    world.services.gateway.default_answer = world.services.gateway.OK
    resume_mailing(world.services, mailing_id)
    world.run(1800)
    assert world.get(mailing_id).counts.sent == 10


def test_one_refused_token_ends_the_posts_of_an_invocation() -> None:
    world, _ = fanned_out(10)
    world.services.gateway.default_answer = Answer(403)
    batch = records(world)
    assert len(Sender(world.services).send_batch(batch, lambda: 60.0)) == 10
    assert len(world.services.gateway.posts) == 1


@pytest.mark.parametrize(("answer", "posts"), [(Answer(None, "NewConnectionError", never_sent=True), 5), (DOWN, 20)])
def test_an_outage_costs_a_few_posts_per_invocation(answer: Answer, posts: int) -> None:
    world, _ = fanned_out(100)
    world.services.gateway.default_answer = answer
    batch = records(world)
    assert len(Sender(world.services).send_batch(batch, lambda: 60.0)) == 100
    assert len(world.services.gateway.posts) == posts


def test_retry_after_is_respected() -> None:
    world, _ = fanned_out(1)
    world.services.gateway.answers = [Answer(429, "", "120")]
    world.run(115)
    assert len(world.services.gateway.posts) == 1
    world.run(120)
    assert len(world.services.gateway.accepted) == 1


def test_an_invalid_queue_message_is_stored_as_a_dead_letter_unchanged() -> None:
    world, _ = fanned_out(1)
    unreadable = ["garbage", "[]", '{"job": "send_message", "mailing_id": "1", "client_id": 1}', '{"mailing_id": 1}']
    for body in unreadable:
        world.services.send_queue.send_body(body)
    world.run(60)
    bodies = [delivery.body for delivery in world.services.dead_letters.messages.values()]
    assert bodies == unreadable
    assert world.services.send_queue.messages == {}
    assert len(world.services.gateway.accepted) == 1


def test_an_invalid_queue_message_that_cannot_be_stored_delays_no_other_message() -> None:
    world, _ = fanned_out(1)
    world.services.send_queue.send_body("garbage")

    def refuse(body: str) -> None:
        raise NotWritten

    world.services.dead_letters.send_body = refuse  # type: ignore[method-assign]
    with pytest.raises(NotWritten):
        world.send(world.services.send_queue.receive(10))
    assert len(world.services.gateway.accepted) == 1
    assert world.counted_rows(1).sent == world.get(1).counts.sent == 1
