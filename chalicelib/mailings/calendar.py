"""What is planned: the scheduled mailings, and the starts of series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..domain.mailing import Mailing
from ..domain.series import Series, starts_between
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
    found = [Planned(one.datetime_start, one) for one in read_mailings(services, mailing_ids[:MOST_MAILINGS])]
    of_series, has_all_series = starts_of_series(services, start_from, start_before)
    is_whole = len(mailing_ids) <= MOST_MAILINGS and has_all_series
    return sorted([*found, *of_series], key=lambda planned: planned.start), is_whole


def starts_of_series(
    services: Services, start_from: datetime, start_before: datetime, most: int = MOST_SERIES
) -> tuple[list[Planned], bool]:
    """The mailings that series will make, of at most `most` series, and whether these are all."""
    ids = services.series.due_ids(start_before, most + 1)
    found = [
        Planned(start, _at(series, start), series.id)
        for series in services.series.get_many(ids[:most]).values()
        for start in starts_between(series, start_from, start_before, zone)
    ]
    return found, len(ids) <= most


def _at(series: Series, start: datetime) -> Mailing:
    end = start + series.length
    return replace(series.mailing, datetime_start=start, datetime_end=end, series_id=series.id)
