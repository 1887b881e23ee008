"""What is planned: the scheduled mailings, and the starts of series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ..domain.mailing import Mailing
from ..domain.series import starts_between
from ..zones import zone
from .listing import read_mailings

if TYPE_CHECKING:
    from ..adapters.services import Services

MOST_MAILINGS = 500
MOST_SERIES = 100


@dataclass(frozen=True)
class Planned:
    """`series_id`: the series that will make the mailing at this start; None for a mailing that exists."""

    start: datetime
    mailing: Mailing
    series_id: int | None = None


def planned_starts(services: Services, start_from: datetime, start_before: datetime) -> tuple[list[Planned], bool]:
    """Those from `start_from` on and before `start_before`, in their order, and whether these are all.

    Five calls for 500 mailings, two for a hundred series. The indexes lag behind the tables.
    """
    mailing_ids = services.mailings.scheduled_ids(start_from, start_before, MOST_MAILINGS + 1)
    series_ids = services.series.due_ids(start_before, MOST_SERIES + 1)
    found = [Planned(one.datetime_start, one) for one in read_mailings(services, mailing_ids[:MOST_MAILINGS])]
    for series in services.series.get_many(series_ids[:MOST_SERIES]).values():
        starts = starts_between(series, start_from, start_before, zone)
        found += [Planned(start, series.mailing, series.id) for start in starts]
    is_whole = len(mailing_ids) <= MOST_MAILINGS and len(series_ids) <= MOST_SERIES
    return sorted(found, key=lambda planned: planned.start), is_whole
