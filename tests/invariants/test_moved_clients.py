"""Clients that get another label of the same filter while the fan-out reads one label after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import pytest

from chalicelib.clients.registry import change_client
from chalicelib.delivery.fanout import ENOUGH
from chalicelib.domain.audience import Partition
from chalicelib.domain.client import CLIENT_ID
from chalicelib.domain.filter import AudienceMember
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_clients import FakeClients
from infra.local.doubles.world import World

MOVED = 1
NEXT_ID = 40_000
"""The newest clients are read from the table, so these are not the newest."""

WALK = 1
"""The invocation after the start."""

Move = Callable[[], object]


class LabelsInTurn(FakeClients):
    """Makes a move before the first client with the second tag is read."""

    move: Move | None = None

    def read_members(
        self, partition: Partition, after: int, through: int, limit: int, fields: Sequence[str]
    ) -> list[AudienceMember]:
        if self.move is not None and str(partition.key).startswith("second#"):
            move, self.move = self.move, None
            move()
        return super().read_members(partition, after, through, limit, fields)


def world_with(clients: int) -> World:
    """Clients with the first tag, and one with the second. The first client gets the second tag during the fan-out."""
    world = World()
    labels = world.services.clients = LabelsInTurn(world.services.audit)
    world.clients(clients, tag="first")
    world.clients(1, tag="second")
    world.services.counters.ids[CLIENT_ID] = NEXT_ID

    def move() -> None:
        world.send_all()
        change_client(world.services, MOVED, {"tag": "second"})

    labels.move = move
    return world


def assert_each_client_is_reached_once(world: World, mailing_id: int, clients: int) -> None:
    mailing = world.get(mailing_id)
    assert world.services.clients.move is None  # type: ignore[attr-defined]
    assert (mailing.status, mailing.counts.sent, mailing.counts.total) == ("finished", clients, clients)
    assert mailing.counts == world.counted_rows(mailing_id)
    assert set(world.services.gateway.accepted.values()) == {1}


@pytest.mark.parametrize("clients", [ENOUGH, 10], ids=["read in two pages", "read in one page"])
def test_a_client_that_moves_to_another_tag_of_the_filter_gets_the_mailing_once(clients: int) -> None:
    world = world_with(clients)
    mailing_id = world.mailing(filter_tag=("first", "second"))
    world.run(300)
    assert_each_client_is_reached_once(world, mailing_id, clients + 1)


def test_a_page_with_a_moved_client_that_is_repeated_after_a_crash_does_not_hold_the_mailing_open() -> None:
    """The mailing lasts for a day, and its total is too high by one until its rows are counted."""
    for at in count(30):
        world = world_with(ENOUGH)
        crashing = world.crashing[WALK] = CrashingServices(world.services, at)
        mailing_id = world.mailing(filter_tag=("first", "second"), lasts=24 * 3600)
        world.run(900)
        assert_each_client_is_reached_once(world, mailing_id, ENOUGH + 1)
        if not crashing.is_dead:
            break
