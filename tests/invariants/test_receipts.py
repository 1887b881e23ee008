"""Each delivery receipt is counted once: repeated, out of order, before the post is recorded, or after the end."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.clients.registry import delete_client
from chalicelib.delivery.receipts import GROUP, settle_receipts
from chalicelib.domain.counts import Counts
from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import SettleReceipts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import Message
from chalicelib.domain.receipt import NO_REASON, Receipt
from chalicelib.errors import RowChanged
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import (
    cancel_mailing,
    delete_mailing,
    pause_mailing,
    resend_mailing,
    resume_mailing,
)
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.world import World
from tests.depth import crash_points

SILENCE = Answer(None, "ReadTimeout")
CLIENTS = 12


def sent(clients: int = CLIENTS, **settings: object) -> tuple[World, int]:
    """A finished mailing."""
    world = World(**settings)
    world.clients(clients)
    mailing_id = world.mailing()
    world.run(60)
    assert world.get(mailing_id).status == "finished"
    return world, mailing_id


def ids(world: World) -> list[int]:
    return [row.id for row in world.services.messages.rows.values()]


def row(world: World, client_id: int) -> Message:
    return world.services.messages.rows[1, client_id]


def assert_exact(world: World, mailing_id: int, counts: Counts) -> None:
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id) == counts
    if not world.get(mailing_id).is_open:
        assert world.services.counters.totals() == (1, counts)


def lose_races(world: World, number: int) -> None:
    """Another writer comes first at the next `number` writes of receipts."""
    record, others = world.services.receipts.record, [RowChanged() for _ in range(number)]

    def busy(*arguments: object) -> None:
        if others:
            raise others.pop()
        record(*arguments)  # type: ignore[arg-type]

    world.services.receipts.record = busy  # type: ignore[method-assign]


def report_after_each_read(world: World, waiting: list[int]) -> None:
    """Each time a mailing is read, the receipt of the next message is recorded right afterwards."""
    read = world.services.mailings.get

    def get(number: int) -> Mailing | None:
        found = read(number)
        if waiting and not world.services.receipts_queue.messages:
            world.report(waiting.pop())
            world.settle_all()
        return found

    world.services.mailings.get = get  # type: ignore[method-assign]


def test_receipts_after_the_end_are_counted_and_sent_messages_stay_sent() -> None:
    world, mailing_id = sent()
    every = ids(world)
    assert world.report(*every[:8]) == 8
    world.report(*every[8:], status="undelivered", reason="absent subscriber")
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=8, undelivered=4))
    assert str(row(world, 12).last_error) == "Not delivered: absent subscriber"


def test_receipts_during_the_mailing_are_in_its_final_counts() -> None:
    world = World()
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    world.do_jobs()
    world.send(world.services.send_queue.receive(5))
    world.report(*ids(world))
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=12, sent=5, delivered=5))
    world.run(60)
    assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=5))


@pytest.mark.parametrize("order", [*itertools.permutations(["delivered", "undelivered", "undelivered"])])
def test_repeated_receipts_out_of_order_are_counted_once(order: tuple[str, ...]) -> None:
    world, mailing_id = sent(1)
    for status in order:
        world.report(*ids(world), status=status)
        world.settle_all()
    assert_exact(world, mailing_id, Counts(total=1, sent=1, delivered=1))


def test_a_receipt_that_arrives_before_the_answer_to_the_post_is_not_lost() -> None:
    world = World()
    world.clients(1)
    mailing_id = world.mailing()
    world.do_jobs()

    def report_at_once() -> None:
        world.report(10_000_000_001)
        world.settle_all()
        assert row(world, 1).status == "queued", "its sender has claimed it"

    world.services.gateway.while_posting = report_at_once
    world.run(120)
    assert row(world, 1).status == "delivered"
    assert len(world.services.gateway.posts) == 1
    assert_exact(world, mailing_id, Counts(total=1, sent=1, delivered=1))


def test_a_post_without_an_answer_is_not_repeated_after_its_receipt() -> None:
    world = World()
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    world.services.gateway.answers = [SILENCE]
    world.tick()
    assert row(world, 1).status == "queued"
    world.report(row(world, 1).id)
    world.run(300)
    assert len(world.services.gateway.posts) == CLIENTS
    assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=1))


@pytest.mark.parametrize("status", ["delivered", "undelivered"])
def test_a_receipt_resolves_an_unknown_message_even_after_the_end(status: str) -> None:
    world = World(gateway_dedupes=False)
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    world.services.gateway.answers = [SILENCE] * 3
    world.run(60)
    assert_exact(world, mailing_id, Counts(total=12, sent=9, unknown=3))
    world.report(*ids(world)[:2], status=status)
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=12, sent=11, unknown=1, **{status: 2}))
    resend_mailing(world.services, mailing_id, ["unknown"])
    world.run(200)
    assert len(world.services.gateway.posts) == CLIENTS + 1, "a delivered message is not posted again"
    assert_exact(world, mailing_id, Counts(total=12, sent=12, **{status: 2}))


def test_an_unknown_message_resolved_during_the_last_round_is_counted_as_resolved() -> None:
    world = World(gateway_dedupes=False)
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    world.services.gateway.answers = [SILENCE]
    report = world.services.slices.report

    def report_too_late(*arguments: object) -> None:
        """The round reads the messages before the receipts arrive, and counts them afterwards."""
        world.report(*ids(world))
        world.settle_all()
        report(*arguments)  # type: ignore[arg-type]

    world.services.slices.report = report_too_late  # type: ignore[method-assign]
    world.run(200)
    assert world.get(mailing_id).status == "finished"
    assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=12))


def test_an_expired_message_that_was_delivered_counts_as_sent() -> None:
    world = World()
    world.clients(3)
    mailing_id = world.mailing(lasts=30)
    world.services.gateway.default_answer = SILENCE
    world.run(200)
    assert_exact(world, mailing_id, Counts(total=3, expired=3))
    world.report(row(world, 1).id)
    world.report(row(world, 2).id, status="undelivered")
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=3, sent=2, expired=1, delivered=1, undelivered=1))


@pytest.mark.parametrize("answer", [Answer(401), Answer(429), Answer(503)], ids=lambda answer: str(answer.status))
def test_a_message_that_waits_after_a_refusal_is_posted_although_the_refusal_is_reported_too(answer: Answer) -> None:
    """SMSC.ru reports a message that it has refused for want of money, with the id of the post."""
    world = World()
    world.clients(1)
    mailing_id = world.mailing()
    world.services.gateway.answers = [answer]
    world.tick()
    world.report(row(world, 1).id, status="undelivered", reason="24")
    world.settle_all()
    assert row(world, 1).status == "queued"
    world.run(300)
    assert_exact(world, mailing_id, Counts(total=1, sent=1))


def test_an_expired_message_whose_refusal_is_reported_can_be_sent_again() -> None:
    world = World()
    world.clients(1)
    mailing_id = world.mailing(lasts=30)
    world.services.gateway.default_answer = Answer(503)
    world.run(200)
    world.report(row(world, 1).id, status="undelivered", reason="24")
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=1, expired=1))


def test_a_failed_message_stays_failed_unless_it_was_delivered() -> None:
    world = World()
    world.clients(2)
    mailing_id = world.mailing()
    world.services.gateway.default_answer = Answer(400)
    world.run(60)
    world.report(*ids(world), status="undelivered")
    world.report(row(world, 1).id)
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=2, sent=1, failed=1, delivered=1))


def test_a_receipt_for_an_unknown_message_is_dropped() -> None:
    world, mailing_id = sent(2)
    assert world.report(7, 10_000_000_099, 990_000_000_001, 2**63) == 2
    world.settle_all()
    assert world.services.receipts_queue.messages == {}
    delete_mailing(world.services, mailing_id)
    world.report(*ids(world))
    world.settle_all()
    assert world.services.receipts_queue.messages == {}
    assert world.services.counters.totals() == (0, Counts())


def test_a_message_that_was_never_posted_gets_no_receipt() -> None:
    world = World()
    world.clients(2)
    mailing_id = world.mailing()
    world.do_jobs()
    delete_client(world.services, 1)
    world.report(*ids(world))
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=2))
    world.run(60)
    world.report(row(world, 1).id)
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=2, sent=1, cancelled=1))


def test_receipts_beyond_the_size_of_a_transaction_are_settled_in_groups() -> None:
    world, mailing_id = sent(2 * GROUP + 3)
    world.report(*ids(world))
    bodies = [delivery.body for delivery in world.services.receipts_queue.receive(10)]
    assert settle_receipts(world.services, bodies, iter([60.0, 60.0, 1.0]).__next__) == [None, 5]
    assert_exact(world, mailing_id, Counts(total=199, sent=199, delivered=2 * GROUP))
    world.clock.forward(100)
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=199, sent=199, delivered=199))


def test_two_workers_on_one_mailing_lose_no_receipt() -> None:
    world, mailing_id = sent()
    lose_races(world, 2)
    world.report(*ids(world))
    world.settle_all()
    assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=12))


def test_decisions_of_people_are_not_stopped_by_receipts_that_are_recorded_between_their_read_and_their_write() -> None:
    world = World()
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    world.do_jobs()
    world.send(world.services.send_queue.receive(5))
    waiting = [ids(world)[number] for number in range(5)]
    report_after_each_read(world, waiting)
    start = world.clock.now()
    for act in (pause_mailing, resume_mailing, cancel_mailing):
        act(world.services, mailing_id)
    assert world.clock.now() == start, "none of them had to be repeated"
    world.run(60)
    assert_exact(world, mailing_id, Counts(total=12, sent=5, cancelled=7, delivered=5))


def test_a_deletion_does_not_lose_receipts_of_a_mailing_that_is_in_the_totals() -> None:
    world, mailing_id = sent()
    waiting = ids(world)[:3]
    report_after_each_read(world, waiting)
    delete_mailing(world.services, mailing_id)
    assert waiting == []
    assert world.services.counters.totals() == (0, Counts())


def test_a_group_that_lost_a_race_is_not_tried_again_without_time_for_it() -> None:
    world, mailing_id = sent()
    lose_races(world, 1)
    world.report(*ids(world))
    bodies = [delivery.body for delivery in world.services.receipts_queue.receive(10)]
    assert settle_receipts(world.services, bodies, iter([60.0, 1.0]).__next__) == [5]
    assert_exact(world, mailing_id, Counts(total=12, sent=12))


@pytest.mark.parametrize(
    "body",
    [
        "garbage",
        "[]",
        "{}",
        '{"job": "settle_receipts", "receipts": 7}',
        '{"job": "settle_receipts", "receipts": [{"id": 1}]}',
    ],
)
def test_an_invalid_queue_message_is_stored_as_a_dead_letter_unchanged(body: str) -> None:
    world, _ = sent(1)
    world.services.receipts_queue.send_body(body)
    world.settle_all()
    assert [message.body for message in world.services.dead_letters.messages.values()] == [body]


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("is_open", [False, True], ids=["after the end", "while it runs"])
def test_a_crash_of_the_worker_at_any_call_counts_every_receipt_once(is_open: bool, after: bool) -> None:
    for at in crash_points():
        world = World(gateway_dedupes=False)
        world.clients(CLIENTS)
        mailing_id = world.mailing()
        world.services.gateway.answers = [SILENCE] * 3
        world.do_jobs()
        world.send_all()
        if not is_open:
            world.run(60)
        assert world.get(mailing_id).is_open == is_open
        world.report(*ids(world)[:6], status="undelivered")
        world.report(*ids(world)[2:9])
        crashing = world.crashing[world.invocations] = CrashingServices(world.services, at, after)
        world.settle_all()
        world.run(200)
        assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=7, undelivered=2))
        if not crashing.is_dead:
            assert at > 1
            break


def test_the_reason_of_a_receipt_is_not_stored_for_a_client_that_is_gone() -> None:
    world, _ = sent()
    delete_client(world.services, 1)
    receipts = [Receipt(number, "undelivered", world.clock.now(), "Anna moved") for number in ids(world)[:2]]
    assert settle_receipts(world.services, [to_body(SettleReceipts(tuple(receipts)))], lambda: 60.0) == [None]
    assert [row(world, client_id).status for client_id in (1, 2)] == ["undelivered", "undelivered"]
    assert row(world, 1).last_error == NO_REASON
    assert "Anna moved" in str(row(world, 2).last_error)
