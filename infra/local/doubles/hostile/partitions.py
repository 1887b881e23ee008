"""The partitions of the table of messages: each key has the units of one partition, in write and in read."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.message import MessageShard
from infra.local.doubles.fake_clock import FakeClock
from infra.local.doubles.partition import Units, read_units, write_units

from .knobs import Knobs

ROW_BYTES = 200
"""A message with its keys and times; with an error or a receipt it has up to 500. One unit writes 1,024."""


class Partitions:
    """DynamoDB may also put several keys into one partition. A test that wants this lowers the units."""

    def __init__(self, clock: FakeClock, knobs: Knobs) -> None:
        self._clock = clock
        self._knobs = knobs
        self._writes: dict[MessageShard, Units] = {}
        self._reads: dict[MessageShard, Units] = {}

    def take_write(self, message: Any) -> bool:
        """`message`: a Message or its key. Returns False if the partition throttles this write."""
        if self._knobs.write_units is None:
            return True
        shard = getattr(message, "key", message).shard
        now = self._clock.now().timestamp()
        return self._writes.setdefault(shard, Units(self._knobs.write_units, now)).take(write_units(ROW_BYTES), now)

    def take_read(self, shard: MessageShard, items: int) -> bool:
        if self._knobs.read_units is None:
            return True
        now = self._clock.now().timestamp()
        return self._reads.setdefault(shard, Units(self._knobs.read_units, now)).take(
            read_units(items * ROW_BYTES), now
        )
