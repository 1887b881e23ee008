"""Waves: the messages of a mailing with local hours, by the UTC offset of their clients' time zones. For people only.

A message belongs to the time zone in its row, and a time zone has the offset of the mailing's start, also after its
clocks change. So what is planned and what is sent meet in one wave. No decision depends on these numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from .mailing import Mailing
from .message import ACCEPTED, QUEUED, SENT
from .send_window import FIRST_MOMENT, MINUTE, Zones, offset_name, offset_of

PLANNED, MOVED, NOT_SENT = "planned", "moved", "not_sent"
"""The kinds of numbers, beside SENT. `planned`: all messages, as a reconciliation round has found them. `moved`: by
how many a wave has grown since, or since the fan-out, because clients have got another time zone. `not_sent`: messages
that failed, expired, are unknown or were cancelled."""

WaveCounts = Counter[tuple[str, int]]
"""Numbers by kind and offset, in minutes. Of changes they can be negative."""

Place = tuple[str | None, str]
"""Of a message: its time zone, if its mailing had local hours at the fan-out, and its status."""

Offset = Callable[[str], int]
"""The offset of a time zone, in minutes."""


@dataclass(frozen=True)
class Wave:
    """`offset` is in minutes. `zones`: the time zones of the clients, the most frequent first, as far as known."""

    offset: int
    planned: int
    sent: int = 0
    not_sent: int = 0
    zones: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return offset_name(self.offset)

    @property
    def waiting(self) -> int:
        """Never negative: a sender may have counted messages whose slice is not counted yet."""
        return max(0, self.planned - self.sent - self.not_sent)


def offsets_of(mailing: Mailing, zones: Zones) -> Offset:
    start = max(mailing.datetime_start, FIRST_MOMENT)
    return cache(lambda timezone: offset_of(zones(timezone), start) // MINUTE)


def counted(messages: Iterable[Place], offset: Offset) -> WaveCounts:
    """Messages of a mailing without local hours have no time zone and are not counted."""
    found: WaveCounts = Counter()
    for (timezone, status), number in Counter(messages).items():
        if timezone is None:
            continue
        found[PLANNED, offset(timezone)] += number
        if status != QUEUED:
            found[SENT if status in ACCEPTED else NOT_SENT, offset(timezone)] += number
    return found


def changed(before: Iterable[Place], after: Iterable[Place], offset: Offset) -> WaveCounts:
    """What changes of these messages add to the counts. Empty if each stays in its wave, waiting, sent or not sent."""
    found = counted(after, offset)
    found.subtract(counted(before, offset))
    return Counter({(MOVED if kind == PLANNED else kind, minutes): n for (kind, minutes), n in found.items() if n})


def waves_of(zones: Mapping[str, int], counts: WaveCounts, offset: Offset) -> list[Wave]:
    """In the order in which a day begins. `zones`: the messages by time zone, as the fan-out has counted them.

    What a round has found by reading all rows comes before what the fan-out has counted.
    """
    by_offset: dict[int, list[str]] = {}
    for timezone in sorted(zones, key=lambda name: (-zones[name], name)):
        by_offset.setdefault(offset(timezone), []).append(timezone)
    planned = {minutes: n for (kind, minutes), n in counts.items() if kind == PLANNED} or {
        minutes: sum(zones[name] for name in names) for minutes, names in by_offset.items()
    }
    offsets = {*planned, *(minutes for _, minutes in counts)}
    waves = [
        Wave(
            minutes,
            planned.get(minutes, 0) + counts[MOVED, minutes],
            counts[SENT, minutes],
            counts[NOT_SENT, minutes],
            tuple(by_offset.get(minutes, ())),
        )
        for minutes in sorted(offsets, reverse=True)
    ]
    return [wave for wave in waves if wave.planned > 0]
