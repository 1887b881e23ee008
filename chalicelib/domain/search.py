"""A search for rare items: the table rejects most of them, so a page takes many reads, and several are made at once.

A partition is read by stretches of ids, which are known before the reads, so that no read waits for another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, repeat
from math import ceil
from typing import TypeVar

from .walk import Cursor, HasTime

T = TypeVar("T")
Find = Callable[[int, int, int], tuple[list[T], int | None]]
"""`find(partition, after, through)` returns the wanted items of one read, in the order of ids, and the last id that it
read; None if it came to `through`."""


LEAST_ROWS, MOST_ROWS = 500, 2500
"""Rows of one read, on average. So many have less than 1 MB, the limit of a query."""

MARGIN = 1.1
"""More rows are read than the average says: the wanted ones may be rarer where a search begins."""


@dataclass(frozen=True)
class Stretch:
    """The ids above `after` and up to `through` of one partition."""

    partition: int
    after: int
    through: int


def stretches(cursor: Cursor, partitions: int, last_id: int, ids: int) -> Iterator[Stretch]:
    """All ids after the cursor, at most so many in a stretch."""
    after = cursor.id
    for partition in range(cursor.partition, partitions):
        for begin in range(after, last_id, ids):
            yield Stretch(partition, begin, min(last_id, begin + ids))
        after = 0


def reads_for(wanted: int, matching: int, total: int, most: int) -> tuple[int, int]:
    """How many reads at once, at most `most`, and of how many rows each, probably find so many items.

    `matching` of `total` rows are wanted ones.
    """
    rows = ceil(MARGIN * wanted * total / matching) if matching > 0 else total
    reads = max(1, min(most, ceil(rows / MOST_ROWS)))
    return reads, max(LEAST_ROWS, min(MOST_ROWS, ceil(rows / reads)))


def search(
    find: Find[T],
    key: Callable[[T], int],
    unread: Iterator[Stretch],
    limit: int,
    has_time: HasTime,
    threads: Executor,
    at_once: int,
    most_at_once: int = 0,
) -> tuple[list[T], Cursor | None]:
    """The items found, at most `limit`, and the cursor; the cursor is None at the end.

    Without time the page ends after its first read or later ones. `at_once`: stretches that are read at once. If these
    are too few, twice as many, up to `most_at_once`.
    """
    found: list[T] = []
    read, is_first = partial(_read, find, has_time, limit), chain([True], repeat(False))
    while wave := list(islice(unread, at_once)):
        at_once = max(at_once, min(2 * at_once, most_at_once))
        for stretch, (items, last_id) in zip(wave, threads.map(read, wave, is_first), strict=True):
            wanted = limit - len(found)
            found += items[:wanted]
            if len(items) > wanted:
                return found, Cursor(stretch.partition, key(found[-1]) if wanted else stretch.after)
            if last_id is not None:
                return found, Cursor(stretch.partition, last_id)
    return found, None


def _read(
    find: Find[T], has_time: HasTime, enough: int, stretch: Stretch, is_first: bool
) -> tuple[list[T], int | None]:
    """The items of a stretch, and the last id that was read if there was no time for all, or there are enough."""
    found: list[T] = []
    after = stretch.after
    while after < stretch.through and len(found) <= enough and (is_first or has_time()):
        is_first = False
        items, last_id = find(stretch.partition, after, stretch.through)
        found += items
        after = stretch.through if last_id is None else last_id
    return found, after if after < stretch.through else None
