"""Walks: read numbered partitions in order, or ids in descending order, page by page. For lists and the fan-out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

MAX_READS = 100
"""The most reads for one page. After them the page may be short, and its cursor continues the walk."""

IDS_A_READ = 100
"""The limit of BatchGetItem."""

MAX_READS_OF_IDS = 50


@dataclass(frozen=True)
class Cursor:
    """All earlier partitions are done, and in `partition` (from 0) all ids up to `id`."""

    partition: int = 0
    id: int = 0


BEGINNING = Cursor()


def walk(
    read: Callable[[int, int, int], list[T]],
    key: Callable[[T], int],
    partitions: int,
    cursor: Cursor,
    limit: int,
    keep: Callable[[T], bool] | None = None,
    enough: int | None = None,
) -> tuple[list[T], Cursor | None]:
    """The next items that `keep` accepts, at most `limit`, and the cursor; the cursor is None at the end.

    `read(partition, after_id, limit)` returns items in the order of `key`, fewer than `limit` at the end.
    `enough`: with this many items the page ends at the end of a partition.
    """
    found: list[T] = []
    for _ in range(MAX_READS):
        if cursor.partition >= partitions:
            break
        wanted = limit - len(found)
        items = read(cursor.partition, cursor.id, wanted + 1)  # one more item shows whether there is a next page
        taken = items[:wanted]
        found += taken if keep is None else [item for item in taken if keep(item)]
        if len(items) <= wanted:
            cursor = Cursor(cursor.partition + 1)
            is_full = enough is not None and len(found) >= enough
        else:
            cursor = Cursor(cursor.partition, key(taken[-1])) if taken else cursor
            is_full = len(found) == limit
        if is_full:
            break
    return found, cursor if cursor.partition < partitions else None


def walk_down(
    read: Callable[[Sequence[int]], Mapping[int, T]], below: int, limit: int
) -> tuple[list[tuple[int, T]], int | None]:
    """Items with ids below `below`, in descending order, and the next `below`; None at the end.

    Ids are consecutive numbers, so a page is a range of ids. Missing ids belong to deleted items.
    """
    found: list[tuple[int, T]] = []
    for _ in range(MAX_READS_OF_IDS):
        if below <= 1 or len(found) > limit:
            break
        ids = range(below - 1, max(0, below - 1 - IDS_A_READ), -1)
        items = read(ids)
        found += [(item_id, items[item_id]) for item_id in ids if item_id in items]
        below = ids[-1]
    if len(found) > limit:
        return found[:limit], found[limit - 1][0]
    return found, below if below > 1 else None
