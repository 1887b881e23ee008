"""Announce, change, pause, resume and end series, and leave out days. The sweep makes their mailings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from ..adapters.newest import list_newest
from ..clients.segments import with_segment
from ..domain import series as domain
from ..domain import series_decisions as decisions
from ..domain.approved_content import is_approval_withdrawn, with_author
from ..domain.audit_record import Author
from ..domain.draft import Draft
from ..domain.field_versions import Shown
from ..domain.series import SERIES_ID, Series
from ..domain.series_decisions import SeriesFields
from ..domain.walk import HasTime
from ..errors import NotFound, RowChanged
from ..representation import represent_series
from ..retries import retry_lost_races
from ..zones import zone
from .lifecycle import require_usable

if TYPE_CHECKING:
    from ..adapters.services import Services


def planned_series(services: Services, fields: SeriesFields) -> Series:
    """The series that these fields would make now, without an id. Raises BadInput."""
    series = _with_segment(services, decisions.announced(fields, 0, services.clock.now(), zone))
    require_usable(services, series.mailing)
    return series


def new_series_id(services: Services, fields: SeriesFields) -> int:
    """The id of a series with these fields. Raises BadInput before an id is used."""
    planned_series(services, fields)
    return services.counters.next_id(SERIES_ID)


def announce_series(
    services: Services,
    fields: SeriesFields,
    series_id: int | None = None,
    author: Author | None = None,
    draft: Draft | None = None,
) -> Series:
    """Write the series. The sweep makes its first mailing within a minute of its start.

    `series_id`: the id that `new_series_id` reserved for the same fields. An earlier try may have made the series.
    `author`: for the audit record. `draft`: as the launch leaves it, written together with the series. Raises BadInput,
    DraftChanged.
    """
    series_id = series_id or new_series_id(services, fields)
    series = _with_segment(services, decisions.announced(fields, series_id, services.clock.now(), zone))
    series = _with_author(series, author)
    record = author.record("series", series_id, None, represent_series(series)) if author else None

    def attempt() -> Series:
        try:
            services.series.add(series, record, draft)
        except RowChanged:  # an earlier try wrote the series
            found = services.series.get(series_id)
            if found is None:
                raise
            return found
        return series

    return retry_lost_races(services.clock, attempt)


def get_series(services: Services, series_id: int) -> Series:
    series = services.series.get(series_id)
    if series is None:
        raise NotFound
    return series


def change_series(
    services: Services,
    series_id: int,
    fields: SeriesFields,
    author: Author | None = None,
    shown: Shown | None = None,
) -> Series:
    """Raises Outdated if the series is no longer as `shown` and the change would overwrite that."""

    def decision(series: Series, now: datetime) -> Series:
        after = _with_segment(services, decisions.changed(series, fields, now, zone))
        if shown is not None and after != series:
            shown.require_unchanged(represent_series(series))
        require_usable(services, after.mailing, series.mailing)
        return _with_author(after, author) if is_approval_withdrawn(series.mailing, after.mailing) else after

    return _decide(services, series_id, decision, author)


def pause_series(services: Services, series_id: int, author: Author | None = None) -> Series:
    """No mailing is made until the series is resumed. Mailings that it has made go on."""
    return _decide(services, series_id, lambda series, _: decisions.paused(series), author, "paused")


def resume_series(services: Services, series_id: int, author: Author | None = None) -> Series:
    return _decide(services, series_id, lambda series, now: decisions.resumed(series, now, zone), author, "resumed")


def end_series(services: Services, series_id: int, author: Author | None = None) -> Series:
    """No further mailing is made. Mailings that it has made go on."""
    return _decide(services, series_id, lambda series, _: decisions.ended(series), author, "ended")


def skip_day(services: Services, series_id: int, day: date, author: Author | None = None) -> Series:
    """No mailing starts on this day. Raises BadInput if none would."""
    return _decide(services, series_id, lambda series, now: decisions.with_skipped(series, day, now, zone), author)


def next_starts(series: Series, number: int) -> list[datetime]:
    """The starts of the next mailings, at most `number`."""
    return domain.next_starts(series, number, zone)


def list_series(
    services: Services, before_id: int | None, limit: int, has_time: HasTime | None = None
) -> tuple[list[Series], int | None]:
    return list_newest(services, SERIES_ID, services.series.get_many, before_id, limit, has_time)


def _with_segment(services: Services, series: Series) -> Series:
    return replace(series, mailing=with_segment(services, series.mailing))


def _with_author(series: Series, author: Author | None) -> Series:
    """The author of a series is an author of its mailings."""
    return series if author is None else replace(series, mailing=with_author(series.mailing, author.name))


def _decide(
    services: Services,
    series_id: int,
    decision: Callable[[Series, datetime], Series],
    author: Author | None,
    action: str = "",
) -> Series:
    """Write the decision. It needs no further step: the row says when the next mailing starts."""

    def attempt() -> Series:
        before = get_series(services, series_id)
        after = decision(before, services.clock.now())
        if after == before:
            return before
        shown = represent_series(before), represent_series(after)
        record = author.record("series", series_id, *shown, action) if author else None
        return services.series.change(before, after, record)

    return retry_lost_races(services.clock, attempt)
