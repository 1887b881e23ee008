"""Messages are closed, reopened and left to local hours together, and each has a result of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.delivery.rounds import request_reconciliation
from chalicelib.domain.message import Claim, Message, MessageKey
from chalicelib.domain.message_change import MessageChange, closing
from chalicelib.errors import NotRead, NotWritten
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import cancel_mailing, change_mailing, resend_mailing
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_messages import FakeMessages
from infra.local.doubles.fake_queues import FakeSchedules
from infra.local.doubles.world import World
from tests.depth import crash_points

NUMBER = 60


class Table(FakeMessages):
    """`refuses` has errors by client id, each for one try. `calls` has the number of changes of each call."""

    def __init__(self, world: World) -> None:
        vars(self).update(vars(world.services.messages))
        self.refuses: dict[int, Exception] = {}
        self.calls: list[int] = []
        self.before: Callable[[], object] = lambda: None
        self.is_unreadable = self.is_unreadable_afterwards = False

    def change_all(self, changes: Sequence[MessageChange]) -> list[bool | Exception]:
        self.calls.append(len(changes))
        before, self.before = self.before, lambda: None
        before()
        found = [self.refuses.pop(one.key.client_id, None) or self._change(one) for one in changes]
        self.is_unreadable = self.is_unreadable_afterwards
        return found

    def get(self, key: MessageKey) -> Message | None:
        if self.is_unreadable:
            raise NotRead("throttled")
        return super().get(key)


class UnreachableSchedules(FakeSchedules):
    def set_release(self, mailing_id: int, opens_at: datetime) -> None:
        raise OSError("no answer")


def fanned_out(clients: int = NUMBER, **fields: Any) -> tuple[World, int, Table]:
    settings = fields.pop("settings", {})
    world = World(**settings)
    world.clients(clients)
    mailing_id = world.mailing(**fields)
    world.do_jobs()
    table = world.services.messages = Table(world)
    return world, mailing_id, table


def send(world: World) -> int:
    """All that is in the send queue, as one batch. Returns the number of messages that return to it."""
    world.send(world.services.send_queue.receive(100))
    return world.services.send_queue.size()


def test_a_sender_closes_the_expired_messages_of_a_batch_in_groups_and_counts_them_once() -> None:
    world, mailing_id, table = fanned_out(lasts=60)
    world.clock.forward(61)
    assert send(world) == 0
    assert sorted(table.calls) == [10, 25, 25]
    assert world.get(mailing_id).counts.expired == world.counted_rows(mailing_id).expired == NUMBER


@pytest.mark.parametrize("error", [NotWritten("throttled"), ValueError("refused for good")])
def test_only_the_message_that_could_not_be_closed_returns_to_the_queue(error: Exception) -> None:
    world, mailing_id, table = fanned_out(lasts=60)
    world.clock.forward(61)
    table.refuses = {7: error}
    assert send(world) == 1
    assert world.get(mailing_id).counts.expired == world.counted_rows(mailing_id).expired == NUMBER - 1
    world.run(120)
    assert world.get(mailing_id).counts.expired == NUMBER


def test_a_row_that_cannot_be_read_after_a_lost_race_leaves_the_others_closed_and_counted() -> None:
    world, mailing_id, table = fanned_out(lasts=60)
    world.clock.forward(61)
    first = table.rows[mailing_id, 1]
    table.before = lambda: FakeMessages.change_all(table, [closing(first, "cancelled")])
    table.is_unreadable_afterwards = True
    world.send(world.services.send_queue.receive(20))
    assert world.services.send_queue.size() == NUMBER - 19
    assert world.get(mailing_id).counts.expired == 19


def test_hours_that_cannot_be_scheduled_leave_the_other_messages_closed_and_counted() -> None:
    world, mailing_id, _ = fanned_out(lasts=10**6, time_from=time(0), time_to=time(13))
    clients = world.services.clients
    clients.remove(clients.rows[7])
    world.clock.forward(2 * 3600)
    world.services.schedules = UnreachableSchedules()
    assert send(world) == NUMBER - 1
    assert world.get(mailing_id).counts.cancelled == 1


def test_a_message_that_is_claimed_while_others_of_its_group_are_closed_is_not_closed() -> None:
    """Another sender posts it: its task comes back after the claim."""
    world, mailing_id, table = fanned_out(lasts=60)
    world.clock.forward(61)
    mailing, now = world.get(mailing_id), world.clock.now()
    until = now + timedelta(seconds=20)
    table.before = lambda: table.claim_all([Claim(mailing.message_key(7), until, "contract")], now)
    assert send(world) == 1
    assert world.counted_rows(mailing_id).expired == NUMBER - 1
    world.run(300)
    assert world.get(mailing_id).counts.expired == NUMBER


def test_what_a_round_has_closed_is_not_written_again_by_a_sender() -> None:
    world, mailing_id, table = fanned_out()
    cancel_mailing(world.services, mailing_id)
    world.do_jobs()
    assert world.get(mailing_id).counts.cancelled == NUMBER
    table.calls.clear()
    assert send(world) == 0
    assert sum(table.calls) == 0


def test_messages_outside_their_hours_are_left_to_a_release_and_their_rows_are_not_written_again() -> None:
    hours = {"time_from": time(0), "time_to": time(13)}
    world, mailing_id, table = fanned_out(lasts=10**6, **hours)
    assert world.clock.now().time() == time(12)
    world.clock.forward(2 * 3600)
    assert send(world) == 0
    assert sum(table.calls) == 0, "the fan-out has written their time zone"
    assert len(world.services.schedules.releases) == len(world.get(mailing_id).releases) == 1
    world.run(11 * 3600, step=300)
    assert world.get(mailing_id).counts.sent == NUMBER


class CountedSchedules(FakeSchedules):
    """`failures` first calls fail."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.failures = failures
        self.calls = 0

    def set_release(self, mailing_id: int, opens_at: datetime) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise OSError("no answer")
        super().set_release(mailing_id, opens_at)


@pytest.mark.parametrize(("failures", "returned"), [(0, 0), (1, 25)])
def test_a_batch_schedules_a_release_once_for_all_its_groups(failures: int, returned: int) -> None:
    """A group whose schedule fails returns to the queue, and the next group tries again."""
    world, mailing_id, _ = fanned_out(lasts=10**6, time_from=time(0), time_to=time(13))
    world.clock.forward(2 * 3600)
    schedules = world.services.schedules = CountedSchedules(failures)
    assert send(world) == returned
    assert schedules.calls == failures + 1
    assert len(world.get(mailing_id).releases) == 1


@pytest.mark.parametrize("error", [NotWritten("throttled"), ValueError("refused for good")])
def test_a_round_that_could_not_close_one_message_counts_the_others_and_reads_their_page_again(
    error: Exception,
) -> None:
    world, mailing_id, table = fanned_out(lasts=60)
    world.clock.forward(61)
    world.services.send_queue.messages.clear()
    table.refuses = {7: error}
    request_reconciliation(world.services, world.get(mailing_id))
    with suppress(ValueError):  # the Lambda fails, and SQS repeats the job
        world.do_jobs()
    assert world.get(mailing_id).counts.expired == world.counted_rows(mailing_id).expired == NUMBER - 1
    assert world.get(mailing_id).status == "running"
    world.run(300)
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts.expired == NUMBER


def test_a_round_that_could_not_reopen_one_message_reopens_each_once() -> None:
    world, mailing_id, _ = fanned_out()
    world.services.gateway.default_answer = Answer(400, "no")
    world.send(world.services.send_queue.receive(100))
    assert world.get(mailing_id).counts.failed == NUMBER
    world.services.gateway.default_answer = world.services.gateway.OK
    table = world.services.messages = Table(world)
    table.refuses = {7: NotWritten("throttled")}
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(300)
    assert not table.refuses
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts.sent == world.counted_rows(mailing_id).sent == NUMBER
    assert set(world.services.gateway.accepted.values()) == {1}
    assert {row.attempts for row in world.services.messages.rows.values()} == {2}


def end_now(services: Any, mailing_id: int) -> object:
    return change_mailing(services, mailing_id, {"datetime_end": services.clock.now()})


@pytest.mark.parametrize(("close", "status"), [(cancel_mailing, "cancelled"), (end_now, "finished")])
def test_a_mailing_that_is_closed_while_a_round_reopens_its_messages_ends_without_queued_ones(
    close: Callable[[Any, int], object], status: str
) -> None:
    """The round of the later decision ends the mailing before the slow writes of the earlier one."""
    world, mailing_id, _ = fanned_out()
    world.services.gateway.default_answer = Answer(400, "no")
    world.run(60)
    assert world.get(mailing_id).counts.failed == NUMBER
    table = world.services.messages = Table(world)

    def close_and_end() -> None:
        close(world.services, mailing_id)
        world.do_jobs()
        assert world.get(mailing_id).ended_at is not None

    table.before = close_and_end
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(600)
    assert world.get(mailing_id).status == status
    assert world.get(mailing_id).counts.failed == world.counted_rows(mailing_id).failed == NUMBER
    assert len(world.services.gateway.posts) == NUMBER


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize(("close", "status"), [(cancel_mailing, "cancelled"), (end_now, "finished")])
def test_a_round_that_dies_while_its_mailing_is_closed_leaves_no_queued_message(
    close: Callable[[Any, int], object], status: str, after: bool
) -> None:
    """As above, and the earlier job ends at any of its calls, between two reopenings and before their reversal too."""
    for at in crash_points():
        world, mailing_id, _ = fanned_out(clients=4)
        world.services.gateway.default_answer = Answer(400, "no")
        world.run(60)
        table = world.services.messages = Table(world)

        def close_and_end(world: World = world, mailing_id: int = mailing_id) -> None:
            close(world.services, mailing_id)
            world.do_jobs()
            assert world.get(mailing_id).ended_at is not None

        table.before = close_and_end
        resend_mailing(world.services, mailing_id, ["failed"])
        crashing = world.crashing[world.invocations] = CrashingServices(world.services, at, after)
        world.run(900)
        rows = world.counted_rows(mailing_id)
        assert world.get(mailing_id).status == status
        assert (rows.queued, rows) == (0, world.get(mailing_id).counts)
        if not crashing.is_dead:
            assert at > 10, "the invocation made few calls"
            break


def test_a_reopening_whose_answer_is_lost_before_another_claim_is_counted_by_the_next_round() -> None:
    """An old queue message brings a sender between the write and its repetition, which then meets another claim."""
    world, mailing_id, _ = fanned_out()
    world.services.gateway.default_answer = Answer(400, "no")
    world.send(world.services.send_queue.receive(100))
    world.services.gateway.default_answer = world.services.gateway.OK

    class LostAnswer(Table):
        def change_all(self, changes: Sequence[MessageChange]) -> list[bool | Exception]:
            found = super().change_all(changes)
            lost = [number for number, one in enumerate(changes) if one.key.client_id == 7]
            for number in lost:
                self.claim(changes[number].key, world.clock.now(), world.clock.now() + timedelta(seconds=1))
                found[number] = False
            return found

    world.services.messages = LostAnswer(world)
    resend_mailing(world.services, mailing_id, ["failed"])
    world.do_jobs()
    assert world.get(mailing_id).counts.queued == world.counted_rows(mailing_id).queued - 1
    world.run(600)
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id)
    assert world.get(mailing_id).counts.sent == NUMBER
    assert world.get(mailing_id).rounds <= 4
