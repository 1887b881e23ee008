"""The waves of a mailing with local hours, for people: numbers by UTC offset, the local time, when the hours open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ..domain.mailing import Mailing
from ..domain.waves import PLANNED, Wave, offsets_of, waves_of
from ..zones import zone

if TYPE_CHECKING:
    from ..adapters.services import Services


@dataclass(frozen=True)
class WaveNow:
    """`local_time`: the present one of its most frequent time zone. `opens_at`: when its local hours open there, now if
    they are open; None if they do not open before the end of the mailing, or if the mailing is over.
    """

    wave: Wave
    local_time: datetime
    opens_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.opens_at is not None and self.opens_at <= self.local_time


def present_waves(services: Services, mailing: Mailing) -> list[WaveNow]:
    """Reads the slices of the mailing, at most 40, and one row. Without local hours it reads nothing.

    Empty if an earlier version has chosen some of the clients, until a round has counted them. What the last batches
    have sent may be missing while the mailing runs.
    """
    if mailing.window is None or mailing.plan is None:
        return []
    slices, counts = services.slices.of_mailing(mailing.id), services.timelines.waves(mailing.id)
    zones = sum((one.zones for one in slices), Counter[str]())
    is_counted = any(kind == PLANNED for kind, _ in counts)
    if not is_counted and zones.total() != sum(one.client_count for one in slices):
        return []
    return [_at_present(services, mailing, wave) for wave in waves_of(zones, counts, offsets_of(mailing, zone))]


def _at_present(services: Services, mailing: Mailing, wave: Wave) -> WaveNow:
    now = services.clock.now()
    local = zone(wave.zones[0]) if wave.zones else timezone(timedelta(minutes=wave.offset))
    opens_at = mailing.window.next_opening(local, now) if mailing.window and mailing.is_open else None
    if opens_at is not None and opens_at >= mailing.datetime_end:
        opens_at = None
    return WaveNow(wave, now.astimezone(local), opens_at)
