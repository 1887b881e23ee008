"""The throughput of DynamoDB's partitions: the units of an item, and buckets of units that time fills.

The simulation of bench/ and the hostile double of the tests use the same arithmetic. Sources, below
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/: read-write-operations.html (units),
CapacityUnitCalculations.html (size of an item), bp-partition-key-design.html (units of a partition),
on-demand-capacity-mode.html (units of a new table).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from math import ceil
from typing import Any

PARTITION_WRITES, PARTITION_READS = 1_000, 3_000
"""Units a second of one partition, so also of one key."""

COLD_WRITES, COLD_READS = 4_000, 12_000
"""Units a second that a new on-demand table takes."""

WRITTEN, READ = 1024, 4096
"""Bytes of one unit."""

Item = Mapping[str, Mapping[str, Any]]
"""An item in the form of DynamoDB's API: type and value by attribute."""


def write_units(size: int, times: int = 1) -> int:
    """Units to write an item of `size` bytes; a transaction writes `times` 2. A refused condition costs the same."""
    return times * max(1, ceil(size / WRITTEN))


def read_units(size: int, is_consistent: bool = True) -> float:
    """Units to read `size` bytes: one item, or all items that a query evaluates. A missing item has 0 bytes."""
    return max(1, ceil(size / READ)) * (1 if is_consistent else 0.5)


def size_of(item: Item) -> int:
    """The size of an item in bytes."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return len(content.replace(".", "").replace("-", "").strip("0")) // 2 + 2
        case "S":
            return len(content.encode())
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _size(element) for element in content)
        case "NS":
            return sum(_size({"N": number}) for number in content)
    raise ValueError(f"the size of the type {kind} is unknown")


def partition_of(key: str, partitions: int) -> int:
    """The number of the partition of a key. DynamoDB's hash is not public, but any good hash spreads keys alike."""
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest) * partitions >> 128


class Units:
    """A bucket of units, filled by time up to the units of one second. Times are seconds and may not go back.

    A request is taken while units are left. A request of more units than are left becomes a debt that time pays first,
    or no request above a second's units could ever be taken. DynamoDB's burst capacity is left out: it is not
    guaranteed, and a partition's limit holds with it.
    """

    def __init__(self, a_second: float, now: float = 0.0) -> None:
        self.a_second = a_second
        self._left = a_second
        self._filled_at = now

    def left(self, now: float) -> float:
        """Units that are left; negative while there is a debt."""
        if now > self._filled_at:
            self._fill(now)
        return self._left

    def take(self, units: float, now: float) -> bool:
        """Take one request as a whole. Returns False if it is throttled; a throttled request takes no units."""
        if now > self._filled_at:
            self._fill(now)
        if self._left < units and self._left < 1:
            return False
        self._left -= units
        return True

    def take_part(self, units: float, now: float) -> float:
        """Take as much of many small requests as is left, and return their units. The others are throttled."""
        taken = max(0.0, min(units, self.left(now)))
        self._left -= taken
        return taken

    def _fill(self, now: float) -> None:
        self._left = min(self.a_second, self._left + (now - self._filled_at) * self.a_second)
        self._filled_at = now
