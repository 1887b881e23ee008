"""Walks: read numbered partitions in order, or ids in descending order, page by page. For lists and the fan-out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T")
HasTime = Callable[[], bool]
"""Whether a walk may begin another read."""

MAX_READS = 100
"""The most reads for one page. After them the page may be short, and its cursor continues the walk."""

IDS_A_READ = 100
"""The limit of BatchGetItem."""

MAX_IDS = 5000
"""The most ids of a page."""

LIST_SECONDS = 6.0
"""The time of a list of the API. A page that is too large for an answer is read twice within it."""

FILTERED_READ = 1000
"""Items of one read if most of them may be rejected: as many as wanted would be a call for each hundred."""


@dataclass(frozen=True)
class Cursor:
    """All earlier partitions are done, and in `partition` (from 0) all ids up to `id`."""

    partition: int = 0
    id: int = 0


BEGINNING = Cursor()


def groups_of(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """The items in their order, in groups of at most this size: as many as one call takes."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def always() -> bool:
    return True


def time_limit(now: Callable[[], datetime], seconds: float) -> HasTime:
    """True until so many seconds after this call."""
    deadline = now() + timedelta(seconds=seconds)
    return lambda: now() < deadline


def reads_limit(reads: int, has_time: HasTime) -> HasTime:
    """True while there is time and a walk has begun fewer reads. A walk does not ask before its first read."""
    left = iter(range(reads - 1))
    return lambda: has_time() and next(left, None) is not None


def walk(
    read: Callable[[int, int, int], list[T]],
    key: Callable[[T], int],
    partitions: int,
    cursor: Cursor,
    limit: int,
    keep: Callable[[T], bool] | None = None,
    enough: int | None = None,
    has_time: HasTime = always,
    read_at_least: int = 0,
) -> tuple[list[T], Cursor | None]:
    """The next items that `keep` accepts, at most `limit`, and the cursor; the cursor is None at the end.

    `read(partition, after_id, limit)` returns items in the order of `key`, fewer than `limit` at the end.
    `enough`: with this many items the page ends at the end of a partition. `has_time`: without time the page ends after
    its first read or later ones. `read_at_least`: items of one read.
    """
    found: list[T] = []
    for number in range(MAX_READS):
        if cursor.partition >= partitions or (number and not has_time()):
            break
        wanted = limit - len(found)
        size = max(wanted + 1, read_at_least)  # one more item shows whether there is a next page
        items = read(cursor.partition, cursor.id, size)
        accepted = items if keep is None else [item for item in items if keep(item)]
        found += accepted[:wanted]
        if len(accepted) > wanted:
            cursor = Cursor(cursor.partition, key(found[-1])) if wanted else cursor
            break
        if len(items) == size:
            cursor = Cursor(cursor.partition, key(items[-1]))
            is_full = len(found) == limit
        else:
            cursor = Cursor(cursor.partition + 1)
            is_full = enough is not None and len(found) >= enough
        if is_full:
            break
    return found, cursor if cursor.partition < partitions else None


def walk_down(
    read: Callable[[Sequence[int]], Mapping[int, T]],
    below: int,
    limit: int,
    has_time: HasTime = always,
    most_at_once: int = IDS_A_READ,
) -> tuple[list[tuple[int, T]], int | None]:
    """Items with ids below `below`, in descending order, and the next `below`; None at the end.

    Ids are consecutive numbers, so a page is a range of ids. Missing ids belong to deleted items. As many ids are read
    as items are wanted, until one is missing; then a hundred, and from read to read twice as many up to `most_at_once`:
    at most about twice as many as needed. Without time the page ends after its first read or later ones.
    """
    found: list[tuple[int, T]] = []
    lowest, ahead, has_gaps, is_first = max(1, below - MAX_IDS), IDS_A_READ, False, True
    while below > lowest and len(found) <= limit and (is_first or has_time()):
        wanted, is_first = limit + 1 - len(found), False  # one more item shows whether there is a next page
        size = ahead if has_gaps else min(wanted, IDS_A_READ)
        ahead = min(2 * ahead, most_at_once) if has_gaps else ahead
        ids = range(below - 1, max(lowest, below - size) - 1, -1)
        items = read(ids)
        found += [(item_id, items[item_id]) for item_id in ids if item_id in items]
        below, has_gaps = ids[-1], has_gaps or len(items) < len(ids)
    if len(found) > limit:
        return found[:limit], found[limit - 1][0]
    return found, below if below > 1 else None
