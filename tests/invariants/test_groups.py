"""Claims and settlements share their calls, and each message keeps an end of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest

from chalicelib.delivery.batch import GROUP
from chalicelib.delivery.sender import Sender
from chalicelib.domain.jobs import ReceivedMessage
from chalicelib.domain.message import Settlement
from chalicelib.errors import NotRead, NotWritten
from infra.local.doubles.crashing_services import Crash
from infra.local.doubles.fake_messages import FakeMessages
from infra.local.doubles.world import World


class Table(FakeMessages):
    """Counts the calls that write, and fails as a test says: `dies` at the first settlement, as all of the sender does
    then, and `refuses` the first message of it."""

    def __init__(self, world: World, dies: bool = False, refuses: bool = False) -> None:
        vars(self).update(vars(world.services.messages))
        self.dies, self.refuses, self.is_dead = dies, refuses, False
        self.calls: list[tuple[str, int]] = []
        self.while_claiming: Callable[[], None] = lambda: None

    def claim_all(self, claims: Any, now: datetime) -> Any:
        if self.is_dead:
            raise Crash
        self.calls.append(("claim", len(claims)))
        self.while_claiming()
        return super().claim_all(claims, now)

    def settle_all(self, settlements: Sequence[Settlement], now: datetime) -> list[bool | Exception]:
        self.calls.append(("settle", len(settlements)))
        if self.dies:
            self.is_dead = True
            raise Crash
        if not self.refuses:
            return super().settle_all(settlements, now)
        self.refuses = False
        return [NotWritten("throttled"), *super().settle_all(settlements[1:], now)]


def fanned_out(clients: int, **settings: Any) -> tuple[World, int]:
    world = World(**settings)
    world.clients(clients)
    mailing_id = world.mailing()
    world.do_jobs()
    return world, mailing_id


def table_of(world: World, **faults: bool) -> Table:
    table = world.services.messages = Table(world, **faults)
    return table


def send(world: World, number: int = 100) -> list[str]:
    """Returns the ids of the messages that return to the queue."""
    records = [
        ReceivedMessage(one.id, one.receipt_handle, one.body, one.receive_count)
        for one in world.services.send_queue.receive(number)
    ]
    return Sender(world.services).send_batch(records, lambda: 60.0)


def posts_of_a_sender_that_dies(world: World) -> int:
    """It dies between its first posts and their settlement. The next senders are alive."""
    table = table_of(world, dies=True)
    with suppress(Crash):
        send(world)
    table.dies = table.is_dead = False
    return len(world.services.gateway.posts)


def test_a_mailing_that_cannot_be_read_delays_no_message_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    world, mailing_id = fanned_out(5)
    other_id = world.mailing()
    world.do_jobs()
    read = world.services.mailings.get

    def read_others(asked_id: int) -> Any:
        if asked_id == mailing_id:
            raise NotRead("throttled")
        return read(asked_id)

    monkeypatch.setattr(world.services.mailings, "get", read_others)
    assert len(send(world)) == 5
    assert world.counted_rows(other_id).sent == world.get(other_id).counts.sent == 5


@pytest.mark.parametrize("operation", ["claim_all", "settle_all"])
def test_a_statement_that_is_refused_for_good_delays_no_other_message(
    monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """DynamoDB refuses it alone: its row may lack an attribute."""
    world, mailing_id = fanned_out(30)
    write = getattr(world.services.messages, operation)

    def refuse_one(entries: Sequence[Any], now: datetime) -> list[Any]:
        others = [one for one in entries if one.key.client_id != 7]
        results = iter(write(others, now))
        return [ValueError("refused") if one.key.client_id == 7 else next(results) for one in entries]

    monkeypatch.setattr(world.services.messages, operation, refuse_one)
    assert len(send(world)) == 1
    assert world.counted_rows(mailing_id).sent == world.get(mailing_id).counts.sent == 29


def test_a_batch_is_claimed_and_settled_in_groups() -> None:
    world, _ = fanned_out(60)
    table = table_of(world)
    assert send(world) == []
    assert sorted(table.calls) == [(call, number) for call in ("claim", "settle") for number in (10, GROUP, GROUP)]


@pytest.mark.parametrize("is_deduped", [True, False])
def test_a_sender_claims_few_more_messages_than_it_has_threads_and_no_more_if_they_could_not_be_repeated(
    is_deduped: bool,
) -> None:
    world, mailing_id = fanned_out(100, sender_threads=8, gateway_dedupes=is_deduped)
    rows, most = world.services.messages.rows, []
    world.services.gateway.while_posting = lambda: most.append(
        sum(row.claimed_until is not None for row in rows.values())
    )
    assert send(world) == []
    assert len(most) == 100
    assert max(most) <= (8 + 2 * GROUP if is_deduped else 8)
    assert world.counted_rows(mailing_id).sent == 100


def test_a_message_with_a_permit_is_claimed_when_a_thread_is_free_for_it() -> None:
    """A permit is valid for a quarter of a second: a message that waits behind slower posts loses it."""
    world, mailing_id = fanned_out(100, sender_threads=8, gateway_rate=1000.0)
    rows, most = world.services.messages.rows, []
    world.services.gateway.while_posting = lambda: most.append(
        sum(row.claimed_until is not None for row in rows.values())
    )
    send(world)
    assert max(most) <= 8
    assert world.counted_rows(mailing_id).sent == len(most) > 90


def test_a_sender_that_dies_between_its_posts_and_their_settlement_repeats_only_those() -> None:
    world, mailing_id = fanned_out(60)
    posted = posts_of_a_sender_that_dies(world)
    assert posted == GROUP
    world.run(600)
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts.sent == 60
    assert sum(world.services.gateway.accepted.values()) == 60 + posted


def test_what_a_dead_sender_had_posted_is_unknown_if_the_gateway_does_not_deduplicate() -> None:
    world, mailing_id = fanned_out(60, sender_threads=8, gateway_dedupes=False)
    posted = posts_of_a_sender_that_dies(world)
    assert 0 < posted <= 8
    world.run(900)
    counts = world.get(mailing_id).counts
    assert (counts.unknown, counts.sent) == (posted, 60 - posted)
    assert max(world.services.gateway.accepted.values()) == 1


def test_a_settlement_that_is_throttled_is_written_again_without_the_others() -> None:
    world, mailing_id = fanned_out(10)
    table = table_of(world, refuses=True)
    assert send(world) == []
    assert table.calls == [("claim", 10), ("settle", 10), ("settle", 1)]
    assert world.counted_rows(mailing_id).sent == 10


def test_answers_are_recorded_while_another_post_of_the_batch_takes_long() -> None:
    world, mailing_id = fanned_out(4, sender_threads=4)
    world.services.thread_pool = ThreadPoolExecutor  # type: ignore[method-assign]
    rows, recorded, is_first = world.services.messages.rows, [], [True]

    def answer_last() -> None:
        """The first post has its answer when the others are recorded, or after half a minute."""
        if not is_first or not is_first.pop():
            return
        until = time.monotonic() + 30
        while time.monotonic() < until and len(recorded) < 3:
            time.sleep(0.01)
            world.clock.forward(0.1)
            recorded[:] = [row for row in list(rows.values()) if row.status == "sent"]

    world.services.gateway.while_posting = answer_last
    assert send(world) == []
    assert len(recorded) == 3
    assert world.counted_rows(mailing_id).sent == 4


def test_answers_are_recorded_while_the_next_group_is_claimed_slowly() -> None:
    """A throttled claim takes five seconds, and answers that are not recorded then are in doubt if the sender dies."""
    world, _ = fanned_out(60, sender_threads=4)
    world.services.thread_pool = ThreadPoolExecutor  # type: ignore[method-assign]
    table, recorded = table_of(world), [0]

    def wait_for_records() -> None:
        """The second claim takes until answers are recorded, or half a minute."""
        until = time.monotonic() + 30
        while time.monotonic() < until and len(table.calls) > 1 and not recorded[0]:
            time.sleep(0.01)
            world.clock.forward(0.1)
            recorded[0] = sum(row.status == "sent" for row in list(table.rows.values()))

    table.while_claiming = wait_for_records
    back = send(world)
    assert recorded[0] > 0
    assert back == []
