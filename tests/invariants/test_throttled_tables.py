"""Partitions that are full for a while: the fan-out repeats a page within seconds, not at the end of a lease."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.audience import Partition
from chalicelib.domain.client import Client
from chalicelib.domain.message import Message
from chalicelib.errors import NotRead, NotWritten, TryAgain
from infra.local.doubles.fake_clients import FakeClients
from infra.local.doubles.fake_messages import FakeMessages
from infra.local.doubles.fake_queues import FakeQueue
from infra.local.doubles.world import World

CLIENTS = 40
SECONDS_OF_A_LEASE = 65.0


class FullPartition(FakeMessages):
    """The first `refusals` writes store half of their rows and raise, as the adapter does when its time is up."""

    refusals = 2

    def add(self, messages: Iterable[Message], expires_at: datetime) -> None:
        rows = list(messages)
        if not self.refusals:
            return super().add(rows, expires_at)
        self.refusals -= 1
        super().add(rows[: len(rows) // 2], expires_at)
        raise NotWritten("rows of messages")


class FullIndex(FakeClients):
    """The first `refusals` reads raise."""

    refusals = 2

    def read(self, partition: Partition, after: int, through: int, limit: int) -> list[Client]:
        if self.refusals:
            self.refusals -= 1
            raise NotRead("clients")
        return super().read(partition, after, through, limit)


class FullQueue(FakeQueue):
    """The first `refusals` sends store half of their messages and raise."""

    refusals = 2

    def send(self, jobs: Any, delays: Any = None) -> None:
        if not self.refusals or not jobs:
            return super().send(jobs, delays)
        self.refusals -= 1
        half = len(jobs) // 2
        super().send(jobs[:half], delays[:half] if delays else None)
        raise TryAgain("the queue refused entries")


def full_messages(world: World) -> None:
    world.services.messages = FullPartition(world.services.settings.routes)
    world.services.receipts.messages = world.services.messages


def full_clients(world: World) -> None:
    before = world.services.clients
    after = world.services.clients = FullIndex(before.audit)
    after.rows, after.phones, after.stops = before.rows, before.phones, before.stops


def full_queue(world: World) -> None:
    world.services.send_queue = FullQueue(world.clock, visibility=90)


@pytest.mark.parametrize("fault", [full_messages, full_clients, full_queue])
def test_a_throttled_page_of_the_fanout_is_repeated_within_seconds(fault: Any) -> None:
    world = World()
    world.clients(CLIENTS)
    fault(world)
    mailing_id = world.mailing()
    begun = world.clock.now()
    world.run(SECONDS_OF_A_LEASE - 25)
    assert world.get(mailing_id).is_fanned_out
    assert world.clock.now() - begun < timedelta(seconds=SECONDS_OF_A_LEASE), "the first lease has not run out yet"
    world.run(600)
    assert world.get(mailing_id).status == "finished"
    assert Counter(post.message_id for post in world.services.gateway.posts) == Counter(
        row.id for row in world.services.messages.rows.values()
    ), "every client gets one message"
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id)


def test_a_page_that_was_written_in_part_is_in_doubt_so_that_no_row_is_overwritten() -> None:
    world = World()
    world.clients(CLIENTS)
    full_messages(world)
    mailing_id = world.mailing()
    world.fan_out()
    now = world.clock.now()
    assert world.services.slices.lease(mailing_id, 0, now, now + timedelta(seconds=60), now).in_doubt
