"""Who gets a mailing, and how the walk over them is cut into pieces.

Partitions say where to look: blocks of clients, or shards of the index of tags or operator codes.
Slices say who looks at what: each is a range of client ids, walked through all partitions by one worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .client import LABEL_SHARDS, Client, block_of, shard_key

SLICE_SIZE = 20_000
"""Clients that one worker walks in one turn."""

MAX_SLICES = 40
"""So many walk at once: ten million are fanned out in nine minutes, a table that is not warmed for it slows nobody down
so far that a page would outlast its turn, and Lambda has workers left for other mailings."""

MAX_INDEX_QUERIES = 2_000
MESSAGES_PER_SHARD = 20_000
"""A recount reads a shard in one turn, whole; and the more shards there are the more evenly DynamoDB spreads them."""

MAX_SHARDS = 2_000
"""Of a hundred million each has 50,000, which is still one turn. docs/PERFORMANCE.md, "Scale", has the figures."""


@dataclass(frozen=True)
class Filter:
    """No tags means any tag or none; no codes means any code."""

    tags: tuple[str, ...] = ()
    operator_codes: tuple[str, ...] = ()

    def chooses(self, client: Client) -> bool:
        return (not self.tags or client.tag in self.tags) and (
            not self.operator_codes or client.operator_code in self.operator_codes
        )


EVERYONE = Filter()


@dataclass(frozen=True)
class Partition:
    """Where clients can be read in the order of their ids: `by` is block, tag or operator_code."""

    by: str
    key: str | int


@dataclass(frozen=True)
class Plan:
    """How a mailing is fanned out; kept with the mailing, so that a resumed fan-out is the same one.

    The audience is taken at the start: nobody with an id above `last_client_id` is in it.
    """

    by: str
    last_client_id: int
    slices: int
    shards: int

    def id_range(self, audience_slice: int) -> tuple[int, int]:
        """First and last client id of a slice; the slices cover 1 to `last_client_id`."""
        size, extra = divmod(self.last_client_id, self.slices)
        first = audience_slice * size + min(audience_slice, extra) + 1
        return first, first + size - 1 + (audience_slice < extra)

    def partitions(self, chosen: Filter, audience_slice: int) -> list[Partition]:
        """What a worker on this slice must read, always in the same order."""
        first, last = self.id_range(audience_slice)
        if self.by == "block":
            return [Partition("block", block) for block in range(block_of(first), block_of(last) + 1)]
        labels = chosen.tags if self.by == "tag" else chosen.operator_codes
        return [Partition(self.by, shard_key(label, shard)) for label in labels for shard in _shards_of(first, last)]

    def reads(self, chosen: Filter, order: Callable[[int], float] = float) -> Iterator[tuple[Partition, int, int]]:
        """Every partition of every slice, with the first and last client id to read there; slices sorted by `order`."""
        for number in sorted(range(self.slices), key=order):
            first, last = self.id_range(number)
            for partition in self.partitions(chosen, number):
                yield partition, first, last


def plan_audience(chosen: Filter, last_client_id: int) -> Plan:
    """The walk that reads the fewest partitions: everyone's blocks, or one of the two indexes."""
    partitions = _partitions_by_walk(chosen, last_client_id)
    by = min(partitions, key=lambda walk: partitions[walk])
    slices = max(1, min(MAX_SLICES, -(-last_client_id // SLICE_SIZE)))
    if by != "block":
        slices = max(1, min(slices, MAX_INDEX_QUERIES // partitions[by]))
    shards = max(1, min(MAX_SHARDS, -(-last_client_id // MESSAGES_PER_SHARD)))
    return Plan(by, last_client_id, slices, shards)


def _partitions_by_walk(chosen: Filter, last_client_id: int) -> dict[str, int]:
    index_shards = len(_shards_of(1, last_client_id))
    walks = {"block": block_of(last_client_id) + 1}
    if chosen.tags:
        walks["tag"] = len(chosen.tags) * index_shards
    if chosen.operator_codes:
        walks["operator_code"] = len(chosen.operator_codes) * index_shards
    return walks


def _shards_of(first: int, last: int) -> list[int]:
    """The index shards in which ids of this range can be."""
    blocks = range(block_of(first), block_of(last) + 1)
    return sorted({block % LABEL_SHARDS for block in blocks[:LABEL_SHARDS]})


def block_partitions(last_client_id: int) -> list[Partition]:
    """Everyone, in the order of ids."""
    return [Partition("block", block) for block in range(block_of(last_client_id) + 1)]


def label_partitions(by: str, label: str) -> list[Partition]:
    """All with one tag or operator code."""
    return [Partition(by, shard_key(label, shard)) for shard in range(LABEL_SHARDS)]
