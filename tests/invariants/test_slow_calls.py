"""With slow calls: what a sender knows when it begins a post is at most two seconds old."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.clients.registry import change_client, opt_out_client
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.delivery.sender import Sender
from chalicelib.domain.client import BLOCK_SIZE, CLIENT_ID
from chalicelib.domain.condition import Received
from chalicelib.domain.jobs import ReceivedMessage
from chalicelib.domain.message import MessageKey, Settlement
from chalicelib.domain.outcome import Outcome
from chalicelib.errors import NotRead, NotWritten
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing, resume_mailing
from infra.local.doubles.fake_messages import FakeMessages
from infra.local.doubles.world import World


class SlowPart:
    """A part of the services. The n-th call of `name` takes `seconds`, and `meanwhile` runs in its middle.

    It takes effect at the end of its time, or with `answers_late` at the beginning.
    """

    def __init__(
        self, world: World, part: str, name: str, number: int = 1, seconds: float = 3.0, answers_late: bool = False
    ) -> None:
        self.world, self.name, self.number, self.seconds = world, name, number, seconds
        self.answers_late = answers_late
        self.part = getattr(world.services, part)
        self.meanwhile: Callable[[], Any] = lambda: None
        setattr(world.services, part, self)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.part, name)
        return (lambda *arguments: self._slowly(call, *arguments)) if name == self.name else call

    def _slowly(self, call: Callable[..., Any], *arguments: Any) -> Any:
        self.number -= 1
        if self.number:
            return call(*arguments)
        result = call(*arguments) if self.answers_late else None
        self.world.clock.forward(self.seconds / 2)
        self.meanwhile()
        self.world.clock.forward(self.seconds / 2)
        return result if self.answers_late else call(*arguments)


class SlowSecret:
    """The secret of the gateway is too old when the message is claimed, and to read it again takes three seconds."""

    def __init__(self, world: World) -> None:
        self.world, self.gateway, self.is_old = world, world.services.gateway, False
        self.meanwhile: Callable[[], Any] = lambda: None
        world.services.gateway = self
        SlowPart(world, "messages", "claim_all", seconds=1.0).meanwhile = lambda: setattr(self, "is_old", True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.gateway, name)

    def prepare(self, name: str | None = None) -> None:
        if self.is_old:
            self.is_old = False
            self.world.clock.forward(3)
            self.meanwhile()

    def post(self, *arguments: Any) -> Outcome:
        self.prepare()
        return self.gateway.post(*arguments)


class SlowLookups(FakeMessages):
    """To look up the recipients of a mailing takes `seconds`."""

    def __init__(self, world: World, seconds: float) -> None:
        vars(self).update(vars(world.services.messages))
        self.world, self.seconds = world, seconds

    def received(self, keys: Iterable[MessageKey]) -> set[int]:
        self.world.clock.forward(self.seconds)
        return super().received(keys)


class ThrottledEnds(FakeMessages):
    """The next `refused` ends of claims are throttled."""

    def __init__(self, messages: FakeMessages, refused: int) -> None:
        vars(self).update(vars(messages))
        self.refused = refused

    def settle_all(self, settlements: Sequence[Settlement], now: datetime) -> list[bool | NotWritten]:
        if self.refused and all(settlement.status is None for settlement in settlements):
            self.refused -= 1
            return [NotWritten()] * len(settlements)
        return super().settle_all(settlements, now)


def fanned_out(clients: int = 1, text: str = "text", **settings: Any) -> tuple[World, int]:
    world = World(**settings)
    world.clients(clients, attributes={"name": "Anna"})
    mailing_id = world.mailing(message_text=text)
    world.do_jobs()
    return world, mailing_id


def send_batch(world: World, size: int = 10, sender: Sender | None = None) -> list[str]:
    """Returns the ids of the messages that return to the queue."""
    records = [
        ReceivedMessage(one.id, one.receipt_handle, one.body, one.receive_count)
        for one in world.services.send_queue.receive(size)
    ]
    return (sender or Sender(world.services)).send_batch(records, lambda: 60.0)


def slow_read_before_a_post(world: World, part: str, name: str, seconds: float = 3.0) -> SlowPart:
    """The claim takes a second, so that mailing and client are read again after it. One of these reads is slow."""
    SlowPart(world, "messages", "claim_all", seconds=1.0)
    return SlowPart(world, part, name, 2, seconds)


def test_a_mailing_that_is_paused_while_its_client_is_read_slowly_is_not_posted() -> None:
    world, mailing_id = fanned_out()
    slow = slow_read_before_a_post(world, "clients", "get_many")
    slow.meanwhile = lambda: pause_mailing(world.services, mailing_id)
    assert len(send_batch(world)) == 1
    assert world.services.gateway.posts == []
    row = world.services.messages.rows[mailing_id, 1]
    assert (row.status, row.claimed_until, row.doubts) == ("queued", None, 0)
    resume_mailing(world.services, mailing_id)
    world.run(120)
    assert world.get(mailing_id).counts.sent == 1


def test_a_client_that_opts_out_while_its_mailing_is_read_slowly_is_not_posted() -> None:
    world, mailing_id = fanned_out()
    slow = slow_read_before_a_post(world, "mailings", "get")
    slow.meanwhile = lambda: opt_out_client(world.services, 1)
    send_batch(world)
    world.run(120)
    assert world.services.gateway.posts == []
    assert world.get(mailing_id).counts.cancelled == 1


def test_a_mailing_that_is_paused_while_the_sum_of_the_day_is_read_slowly_is_not_posted() -> None:
    world, mailing_id = fanned_out(gateway_price=1, daily_budget=100)
    slow = slow_read_before_a_post(world, "spending", "of_day")
    slow.meanwhile = lambda: pause_mailing(world.services, mailing_id)
    assert len(send_batch(world)) == 1
    assert world.services.gateway.posts == []


def test_a_mailing_that_is_paused_while_the_secret_of_the_gateway_is_read_slowly_is_not_posted() -> None:
    world, mailing_id = fanned_out()
    SlowSecret(world).meanwhile = lambda: pause_mailing(world.services, mailing_id)
    assert len(send_batch(world)) == 1
    assert world.services.gateway.posts == []
    resume_mailing(world.services, mailing_id)
    world.run(120)
    assert world.get(mailing_id).counts.sent == 1


def test_nothing_is_posted_after_the_end_however_slowly_the_sum_of_the_day_is_read() -> None:
    world, mailing_id = fanned_out(gateway_price=1, daily_budget=100)
    slow_read_before_a_post(world, "spending", "of_day")
    change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now() + timedelta(seconds=3)})
    send_batch(world)
    assert world.services.gateway.posts == []


def test_reads_of_a_second_delay_no_post() -> None:
    world, _ = fanned_out()
    slow_read_before_a_post(world, "mailings", "get", seconds=0.5)
    SlowPart(world, "clients", "get_many", 2, seconds=0.5)
    assert send_batch(world) == []
    assert len(world.services.gateway.posts) == 1


def test_a_mailing_that_is_paused_before_the_late_answer_of_its_counts_is_not_posted() -> None:
    """The answer has the mailing as it was three seconds ago."""
    world, mailing_id = fanned_out(2)
    slow = SlowPart(world, "mailings", "add_counts", answers_late=True)
    slow.meanwhile = lambda: pause_mailing(world.services, mailing_id)
    sender = Sender(world.services)
    send_batch(world, 1, sender)
    send_batch(world, 1, sender)
    assert len(world.services.gateway.posts) == 1


def test_a_text_that_changes_while_the_message_is_claimed_slowly_is_posted_as_it_is_then() -> None:
    world, mailing_id = fanned_out(text="Hello {name}")

    def change() -> None:
        change_mailing(world.services, mailing_id, {"message_text": "Good day {name}"})
        change_client(world.services, 1, {"attributes": {"name": "Maria"}})

    SlowPart(world, "messages", "claim_all").meanwhile = change
    assert send_batch(world) == []
    assert [post.text for post in world.services.gateway.posts] == ["Good day Maria"]


def test_a_text_that_becomes_empty_while_the_message_is_claimed_slowly_is_not_posted() -> None:
    world, mailing_id = fanned_out(text="{name}")
    SlowPart(world, "messages", "claim_all").meanwhile = lambda: change_client(world.services, 1, {"attributes": {}})
    assert len(send_batch(world)) == 1
    world.run(120)
    assert world.services.gateway.posts == []
    assert world.get(mailing_id).counts.failed == 1


def test_a_post_does_not_outlast_the_claim_of_its_message() -> None:
    world, mailing_id = fanned_out()
    SlowPart(world, "messages", "claim_all", seconds=14.5)
    assert len(send_batch(world)) == 1
    assert world.services.gateway.posts == [], "another sender may claim the message in half a second"
    world.run(120)
    assert world.get(mailing_id).counts.sent == 1


def test_the_claim_of_a_message_that_is_not_posted_ends_although_its_table_is_throttled() -> None:
    """An open claim says that the gateway may have the message."""
    world, mailing_id = fanned_out(gateway_dedupes=False)
    messages = world.services.messages = ThrottledEnds(world.services.messages, refused=3)
    slow_read_before_a_post(world, "clients", "get_many")
    assert len(send_batch(world)) == 1
    assert messages.rows[mailing_id, 1].claimed_until is None
    world.run(120)
    assert world.get(mailing_id).counts.sent == 1


@pytest.mark.parametrize(("part", "name"), [("mailings", "get"), ("clients", "get_many")])
def test_a_message_whose_reads_fail_after_its_claim_is_free_again_and_not_in_doubt(part: str, name: str) -> None:
    def fail() -> None:
        raise NotRead("throttled")

    world, mailing_id = fanned_out(gateway_dedupes=False)
    slow_read_before_a_post(world, part, name).meanwhile = fail
    assert len(send_batch(world)) == 1
    row = world.services.messages.rows[mailing_id, 1]
    assert (row.status, row.claimed_until, row.doubts) == ("queued", None, 0)
    world.run(120)
    assert world.get(mailing_id).counts.sent == 1


def test_a_fan_out_goes_on_if_its_condition_rejects_most_clients_and_is_slow_to_look_them_up() -> None:
    """A page that needs more than the time of an invocation would be begun again and again."""
    world, blocks, lasts = World(), 19, 60
    for _ in range(blocks):
        world.services.counters.ids[CLIENT_ID] += BLOCK_SIZE
        world.clients(1)
    named = world.mailing()
    world.run(60)
    world.services.messages = SlowLookups(world, seconds=4)
    mailing_id, is_walked = world.mailing(starts_in=1, filter=Received(named, expected=False)), False
    world.clock.forward(1)
    assert start_mailing(world.services, mailing_id)
    while not is_walked:
        ends_at = world.clock.now() + timedelta(seconds=lasts)
        is_walked = walk_slice(
            world.services, mailing_id, 0, lambda ends_at=ends_at: (ends_at - world.clock.now()).total_seconds()
        )
        assert world.clock.now() <= ends_at
    assert world.get(mailing_id).is_fanned_out
    assert world.get(mailing_id).counts.total == 0
