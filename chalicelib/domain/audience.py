"""The audience of a mailing, and the plan of the fan-out.

A partition is a place where clients are read: a block of clients, or a shard of the index of tags or operator codes.
A slice is a range of client ids. One worker walks a slice through all partitions that can have these ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from .client import BLOCK_SIZE, LABEL_SHARDS, block_of, shard_key
from .filter import Filter, stored_spellings

SLICE_SIZE = 20_000
"""Client ids of a slice, while the audience has fewer than MAX_SLICES slices."""

MAX_SLICES = 40
"""Slices that are walked at once. With this number ten million clients are fanned out in nine minutes. A table without
warm throughput still writes a page within one invocation, and Lambda has workers left for other mailings."""

NEWEST = 10_000
"""Client ids that a fan-out reads from the table even if it walks an index, because an index lags behind the table by
seconds under load. An import adds fewer clients in that time. Ten consistent reads, 0.0001 US dollars a mailing."""

MAX_INDEX_QUERIES = 2_000
MESSAGES_PER_SHARD = 20_000
"""A reconciliation round reads a whole shard in one invocation. More shards spread more evenly over DynamoDB."""

MAX_SHARDS = 2_000
"""With a hundred million messages a shard has 50,000, still one invocation. Figures: docs/PERFORMANCE.md, "Scale"."""


@dataclass(frozen=True)
class Partition:
    """A place where clients are read in the order of their ids. `by`: `block`, `tag` or `operator_code`."""

    by: str
    key: str | int


Read = tuple[Partition, int, int]
"""A partition with the first and the last client id to read there."""

Group = tuple[str, str]
"""A time zone and an operator code."""


@dataclass(frozen=True)
class NamedMailing:
    """A started mailing that a condition names. No client with a higher id has a message of it.

    A deleted one has no shards: which clients received it is not known.
    """

    id: int
    shards: int = 0
    last_client_id: int = 0

    @property
    def is_deleted(self) -> bool:
        return self.shards == 0


@dataclass(frozen=True)
class Plan:
    """How a mailing is fanned out. It is stored with the mailing, so that a resumed fan-out uses the same plan.

    The audience is taken at the start: clients with ids above `last_client_id` are not in it. Ids from `blocks_from` on
    are read in blocks of the table, whatever the others are read by. None: all are read by the index.
    `named`: the mailings of the condition that had started by then, with what the keys of their messages need. None: no
    condition.
    """

    by: str
    last_client_id: int
    slices: int
    shards: int
    blocks_from: int | None = None
    named: tuple[NamedMailing, ...] | None = None

    def naming(self, named: tuple[NamedMailing, ...] | None) -> Plan:
        return replace(self, named=named)

    def id_range(self, audience_slice: int) -> tuple[int, int]:
        """First and last client id of a slice; the slices cover 1 to `last_client_id`."""
        size, extra = divmod(self.last_client_id, self.slices)
        first = audience_slice * size + min(audience_slice, extra) + 1
        return first, first + size - 1 + (audience_slice < extra)

    def partitions(self, chosen: Filter, audience_slice: int) -> list[Read]:
        """The partitions to read for this slice, each with the ids to read there, always in the same order."""
        first, last = self.id_range(audience_slice)
        first_block_id = 1 if self.by == "block" else self.blocks_from or last + 1
        reads: list[Read] = []
        if first < first_block_id:
            last_by_index = min(last, first_block_id - 1)
            shards = _shards_of(first, last_by_index)
            keys = [shard_key(label, shard) for label in self._labels(chosen) for shard in shards]
            reads = [(Partition(self.by, key), first, last_by_index) for key in keys]
        first_in_block = max(first, first_block_id)
        blocks = range(block_of(first_in_block), block_of(last) + 1) if first_in_block <= last else ()
        return [*reads, *((Partition("block", block), first_in_block, last) for block in blocks)]

    def may_repeat_clients(self, chosen: Filter) -> bool:
        """Whether a client that changes is read twice: under its old label, and later under its new one."""
        return len(self._labels(chosen)) > 1

    def _labels(self, chosen: Filter) -> Sequence[str]:
        """The tags or operator codes of an index, in the order in which a slice reads them. A block has none."""
        served = chosen.by_index
        labels = {"tag": served.stored_tags, "operator_code": served.operator_codes} if served else {}
        return labels.get(self.by, ())

    def reads(self, chosen: Filter, order: Callable[[int], float] = float) -> Iterator[Read]:
        """All partitions of all slices, with the ids to read there. `order`: the sort key of slices."""
        for number in sorted(range(self.slices), key=order):
            yield from self.partitions(chosen, number)

    def ranges(self, chosen: Filter, most_ids: int) -> Iterator[Read]:
        """All partitions in as few reads as possible: a block in one, a shard of a label by at most `most_ids` ids."""
        for partition, first, last in replace(self, slices=1).partitions(chosen, 0):
            step = last if partition.by == "block" else most_ids
            for begin in range(first, last + 1, step):
                yield partition, begin, min(last, begin + step - 1)


def plan_fan_out(chosen: Filter, last_client_id: int) -> Plan:
    """As `plan_audience`, with the newest clients read from the table: no client is missing that an index lacks yet."""
    plan = plan_audience(chosen, last_client_id)
    if plan.by == "block":
        return plan
    blocks_from = block_of(max(0, last_client_id - NEWEST)) * BLOCK_SIZE
    return replace(plan, by="block") if blocks_from <= 1 else replace(plan, blocks_from=blocks_from)


def plan_audience(chosen: Filter, last_client_id: int) -> Plan:
    """The plan that reads the fewest partitions: all blocks, or one of the two indexes."""
    partitions = _partitions_by_walk(chosen, last_client_id)
    by = min(partitions, key=lambda walk: partitions[walk])
    slices = max(1, min(MAX_SLICES, -(-last_client_id // SLICE_SIZE)))
    if by != "block":
        slices = max(1, min(slices, MAX_INDEX_QUERIES // partitions[by]))
    shards = max(1, min(MAX_SHARDS, -(-last_client_id // MESSAGES_PER_SHARD)))
    return Plan(by, last_client_id, slices, shards)


def _partitions_by_walk(chosen: Filter, last_client_id: int) -> dict[str, int]:
    index_shards = len(_shards_of(1, last_client_id))
    walks, served = {"block": block_of(last_client_id) + 1}, chosen.by_index
    if served and served.tags:
        walks["tag"] = len(served.stored_tags) * index_shards
    if served and served.operator_codes:
        walks["operator_code"] = len(served.operator_codes) * index_shards
    return walks


def _shards_of(first: int, last: int) -> list[int]:
    """The index shards that can have ids of this range."""
    blocks = range(block_of(first), block_of(last) + 1)
    return sorted({block % LABEL_SHARDS for block in blocks[:LABEL_SHARDS]})


def block_partitions(last_client_id: int) -> list[Partition]:
    """The partitions of all clients, in the order of ids."""
    return [Partition("block", block) for block in range(block_of(last_client_id) + 1)]


def label_partitions(by: str, label: str) -> list[Partition]:
    """The partitions of all clients with one tag or operator code, in each of its spellings."""
    return [
        Partition(by, shard_key(stored, shard)) for stored in stored_spellings(label) for shard in range(LABEL_SHARDS)
    ]
