"""Walking in order with a place to go on from, through numbered partitions or down the ids: lists, and fan-outs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

MAX_READS = 100
"""Reads that one page may cost; a page that found little by then is short, and its cursor goes on."""


IDS_A_READ = 100
"""As many as one BatchGetItem takes."""

MAX_READS_OF_IDS = 50


@dataclass(frozen=True)
class Cursor:
    """Everything before this place is done: in `partition` (from 0) all ids up to `id`, and all of those before."""

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
    """The next items that are to be kept, at most `limit`, and where to go on: None when all is walked.

    `read(partition, after_id, limit)` gives items in the order of `key`, fewer than `limit` at the end.
    `enough`: with so many, no further partition is begun for the few that are missing to the limit.
    """
    found: list[T] = []
    for _ in range(MAX_READS):
        if cursor.partition >= partitions:
            break
        wanted = limit - len(found)
        items = read(cursor.partition, cursor.id, wanted + 1)  # one more, to know whether there is a next page
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
    """What has an id less than `below`, the highest first, and the id to go on below: None at the end.

    Ids are dense, so a page is a range of ids; those missing are deleted.
    """
    found: list[tuple[int, T]] = []
    for _ in range(MAX_READS_OF_IDS):
        if below <= 1 or len(found) > limit:
            break
        ids = range(below - 1, max(0, below - 1 - IDS_A_READ), -1)
        items = read(ids)
        found += [(one, items[one]) for one in ids if one in items]
        below = ids[-1]
    if len(found) > limit:
        return found[:limit], found[limit - 1][0]
    return found, below if below > 1 else None
