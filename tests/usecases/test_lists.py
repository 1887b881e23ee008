"""The lists of the API on large tables: each answers in time, with a cursor that goes on where it stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.access import audit
from chalicelib.clients.listing import list_clients
from chalicelib.clients.registry import opt_out_client
from chalicelib.domain.audience import Group, Partition, Read
from chalicelib.domain.client_search import AttributeText, ClientFilter
from chalicelib.domain.filter import ALL_CLIENTS, Filter
from chalicelib.domain.phone_part import PhonePart
from chalicelib.domain.walk import BEGINNING
from chalicelib.mailings.audience import count_audience, group_audience
from chalicelib.mailings.listing import list_mailings
from chalicelib.mailings.preview import sample_texts
from chalicelib.mailings.stats import list_messages
from infra.local.doubles.world import World
from tests.message_changes import close

SLOW_READ = 2.0
MOST_SECONDS = 10.0
"""For one page: API Gateway waits for 29 s, and the Lambda function of the API ends after 20 s."""


class SlowTable:
    """Each call of one of `names` takes two seconds, as on a throttled table. Counts the calls."""

    def __init__(self, world: World, part: str, *names: str) -> None:
        self.world = world
        self.part = getattr(world.services, part)
        self.names = names
        self.calls = 0
        setattr(world.services, part, self)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.part, name)
        return self._slow(value) if name in self.names else value

    def _slow(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            self.world.clock.forward(SLOW_READ)
            return function(*arguments, **named)

        return call


def pages(world: World, read: Callable[[Any], tuple[list[Any], Any]], first: Any) -> tuple[list[Any], float]:
    """All items, and the longest time of a page in seconds."""
    found, position, longest = [], first, 0.0
    while True:
        begun = world.clock.now()
        items, position = read(position)
        longest = max(longest, (world.clock.now() - begun).total_seconds())
        found += items
        if position is None:
            return found, longest


@pytest.fixture
def world() -> World:
    world = World()
    world.services.messages.rows_read = 10
    world.clients(200)
    world.mailing()
    world.fan_out()
    return world


def test_messages_with_a_rare_status_are_found_in_pages_that_answer_in_time(world: World) -> None:
    mailing = world.get(1)
    for client_id in (3, 150):
        key = mailing.message_key(client_id)
        close(world.services.messages, key, "cancelled")
    SlowTable(world, "messages", "find", "page")
    found, longest = pages(
        world, lambda cursor: list_messages(world.services, mailing, "cancelled", cursor, 5), BEGINNING
    )
    assert [message.client_id for message in found] == [3, 150]
    assert longest < MOST_SECONDS


def test_clients_with_a_tag_and_a_rare_operator_code_are_found_in_pages_that_answer_in_time(world: World) -> None:
    world.clients(3, tag="rare")
    SlowTable(world, "clients", "find", "read")
    wanted = ClientFilter(tag="rare", operator_code="901")
    found, longest = pages(world, lambda cursor: list_clients(world.services, wanted, cursor, 5), BEGINNING)
    assert [client.id for client in found] == [202]
    assert longest < MOST_SECONDS


@pytest.mark.parametrize(
    "wanted",
    [
        ClientFilter(phone=PhonePart("7", is_end=True)),
        ClientFilter(phone=PhonePart("7901")),
        ClientFilter(phone=PhonePart("000007", is_end=True)),
        ClientFilter(is_opted_out=True),
        ClientFilter(tag="rare", is_opted_out=False),
        ClientFilter(attribute=AttributeText("омск")),
    ],
)
@pytest.mark.parametrize("limit", [1, 5, 1000])
def test_a_search_finds_each_client_once_in_pages_that_answer_in_time(
    world: World, wanted: ClientFilter, limit: int
) -> None:
    world.clients(30, tag="rare", attributes={"город": "Омск"})
    world.services.counters.ids["client_id"] = 3000
    world.clients(5)
    for client_id in (7, 205, 3001):
        opt_out_client(world.services, client_id)
    SlowTable(world, "clients", "find", "find_many")
    found, longest = pages(world, lambda cursor: list_clients(world.services, wanted, cursor, limit), BEGINNING)
    kept = [client for client in world.services.clients.rows.values() if wanted.keeps(client)]
    assert kept
    assert sorted(client.id for client in found) == sorted(client.id for client in kept)
    assert longest < 2 * MOST_SECONDS, "the reads of a wave are at once, and one by one here"


def test_mailings_after_many_deleted_ones_are_found_in_pages_that_answer_in_time(world: World) -> None:
    world.services.counters.ids["mailing_id"] = 2000
    SlowTable(world, "mailings", "get_many")
    found, longest = pages(world, lambda before: list_mailings(world.services, before, 5), None)
    assert [mailing.id for mailing in found] == [1]
    assert longest < MOST_SECONDS


def test_audit_records_after_many_empty_days_are_found_in_pages_that_answer_in_time(world: World) -> None:
    SlowTable(world, "audit", "read")
    found, longest = pages(world, lambda cursor: audit.list_records(world.services, cursor, 5), None)
    assert found == []
    assert longest < MOST_SECONDS


def test_a_sample_for_a_preview_answers_in_time_if_hardly_a_client_can_receive(world: World) -> None:
    for client_id in range(1, 201):
        opt_out_client(world.services, client_id)
    world.services.counters.ids["client_id"] = 20_000_000
    slow = SlowTable(world, "clients", "read")
    begun = world.clock.now()
    assert sample_texts(world.services, ALL_CLIENTS, "{phone_number}") == []
    assert (world.clock.now() - begun).total_seconds() < MOST_SECONDS
    assert slow.calls <= 3


class HugeClients:
    """Ten million clients with one tag, in an index. Counts the clients that a call asks for."""

    def __init__(self) -> None:
        self.most_read = self.most_ids = 0

    def groups(self, chosen: Filter, read: Read, limit: int) -> tuple[Counter[Group], bool]:
        self.most_read = max(self.most_read, limit)
        return Counter(), False

    def count(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        self.most_ids = max(self.most_ids, last - first + 1)
        return 0


def test_no_call_reads_or_counts_a_whole_index_of_a_filter_with_many_tags(world: World) -> None:
    world.services.counters.ids["client_id"] = 10_000_000
    huge = HugeClients()
    world.services.clients = huge  # type: ignore[assignment]
    many = Filter(tuple(f"tag {number}" for number in range(100)))
    group_audience(world.services, many)
    count_audience(world.services, many)
    assert huge.most_read <= 1001
    assert huge.most_ids <= 500_000
