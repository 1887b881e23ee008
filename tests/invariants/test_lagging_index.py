"""Reads that lag behind the writes: every client that was acknowledged before the start gets the mailing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.clients.registry import register_client
from chalicelib.domain.audience import NEWEST, Partition
from chalicelib.domain.client import Client
from chalicelib.domain.stop import StopCause
from infra.local.doubles.fake_clients import FakeClients
from infra.local.doubles.world import World

LAG = timedelta(seconds=3)


class LaggingClients(FakeClients):
    """Indexes, and unconditional reads of the table, do not have the clients of the last three seconds."""

    def __init__(self, world: World) -> None:
        super().__init__(world.services.audit)
        self.clock = world.clock
        self.written_at: dict[int, datetime] = {}

    def _put(self, client: Client, cause: StopCause) -> None:
        super()._put(client, cause)
        self.written_at.setdefault(client.id, self.clock.now())

    def read(self, partition: Partition, after: int, through: int, limit: int) -> list[Client]:
        found = super().read(partition, after, through, limit)
        return [client for client in found if self.clock.now() - self.written_at[client.id] >= LAG]


@pytest.fixture
def world() -> World:
    world = World()
    world.services.clients = LaggingClients(world)
    return world


@pytest.mark.parametrize("filters", [{}, {"filter_tag": ("new",)}, {"filter_op_codes": ("901", "902")}])
@pytest.mark.parametrize("known", [0, 3 * NEWEST])
def test_a_client_that_was_made_just_before_the_start_gets_the_mailing(
    world: World, filters: Mapping[str, Any], known: int
) -> None:
    world.services.counters.ids["client_id"] = known
    world.clock.forward(60)
    made = [
        register_client(world.services, {"phone_number": f"7{code}0000000", "tag": "new"}) for code in ("901", "902")
    ]
    world.mailing(**filters)
    world.run(600)
    assert {post.phone_number for post in world.services.gateway.posts} == {client.phone_number for client in made}
    assert world.get(1).counts.sent == 2
    assert world.get(1).status == "finished"
