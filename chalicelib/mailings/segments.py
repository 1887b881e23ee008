"""Make, change, delete, list and count segments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..adapters.newest import list_newest
from ..domain.audit_record import Author
from ..domain.field_versions import Shown
from ..domain.filter import Filter
from ..domain.segment import SEGMENT_ID, Segment, SegmentFields, changed
from ..domain.walk import HasTime, time_limit
from ..errors import NotFound, RowChanged
from ..representation import represent_segment
from ..retries import retry_lost_races
from .audience import count_audience
from .filters import require_known_names

if TYPE_CHECKING:
    from ..adapters.services import Services

SUBJECT = "segment"

COUNT_SECONDS = 5.0
"""No count of a list of segments begins later; the one under way takes as long again."""


def new_segment_id(services: Services, fields: SegmentFields) -> int:
    """The id of a segment with these fields. Raises BadInput before an id is used."""
    require_known_names(services, fields["filter"])
    return services.counters.next_id(SEGMENT_ID)


def make_segment(
    services: Services, fields: SegmentFields, segment_id: int | None = None, author: Author | None = None
) -> Segment:
    """`segment_id`: the id that `new_segment_id` reserved for the same fields. An earlier try may have made it."""
    segment = changed(Segment(segment_id or new_segment_id(services, fields)), fields)
    record = author.record(SUBJECT, segment.id, None, represent_segment(segment)) if author else None

    def attempt() -> Segment:
        try:
            services.segments.add(segment, record)
        except RowChanged:  # an earlier try wrote the segment
            found = services.segments.get(segment.id)
            if found is None:
                raise
            return found
        return segment

    return retry_lost_races(services.clock, attempt)


def get_segment(services: Services, segment_id: int) -> Segment:
    segment = services.segments.get(segment_id)
    if segment is None:
        raise NotFound
    return segment


def change_segment(
    services: Services,
    segment_id: int,
    fields: SegmentFields,
    author: Author | None = None,
    shown: Shown | None = None,
) -> Segment:
    """Mailings that have started keep the condition that they had.

    Raises Outdated if the segment is no longer as `shown` and the change would overwrite that.
    """

    def attempt() -> Segment:
        before = get_segment(services, segment_id)
        after = changed(before, fields)
        if after == before:
            return before
        if shown is not None:
            shown.require_unchanged(represent_segment(before))
        if after.condition != before.condition:
            require_known_names(services, after.condition)
        fields_of_both = represent_segment(before), represent_segment(after)
        record = author.record(SUBJECT, segment_id, *fields_of_both) if author else None
        return services.segments.change(before, after, record)

    return retry_lost_races(services.clock, attempt)


def delete_segment(
    services: Services, segment_id: int, author: Author | None = None, shown: Shown | None = None
) -> None:
    """Mailings that use the segment keep the condition that they know.

    Raises Outdated if the segment is no longer as `shown`.
    """

    def attempt() -> None:
        segment = get_segment(services, segment_id)
        if shown is not None:
            shown.require_unchanged(represent_segment(segment))
        record = author.record(SUBJECT, segment_id, represent_segment(segment), None) if author else None
        services.segments.remove(segment, record)

    retry_lost_races(services.clock, attempt)


def count_segment(services: Services, segment_id: int) -> tuple[int, bool]:
    """The number of clients that are not opted out, and whether it is exact."""
    return count_audience(services, Filter(segment=get_segment(services, segment_id)))


def count_segments(services: Services, segments: Iterable[Segment]) -> dict[int, tuple[int, bool]]:
    """Of each segment, as `count_segment`, by its id. Those that come after the time is up are left out."""
    has_time = time_limit(services.clock.now, COUNT_SECONDS)
    return {one.id: count_audience(services, Filter(segment=one)) for one in segments if has_time()}


def list_segments(
    services: Services, before_id: int | None, limit: int, has_time: HasTime | None = None
) -> tuple[list[Segment], int | None]:
    return list_newest(services, SEGMENT_ID, services.segments.get_many, before_id, limit, has_time)
