"""The segment of a filter: looked up when a mailing names it, and again when the mailing starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain.approval import GIVEN
from ..domain.filter import Filter
from ..domain.mailing import Mailing
from ..errors import BadInput
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services


def with_segment(services: Services, mailing: Mailing) -> Mailing:
    """The mailing with a copy of the segment that it names. Raises BadInput if there is no such segment."""
    chosen = find_segment(services, mailing.chosen)
    return mailing if chosen is mailing.chosen else replace(mailing, chosen=chosen)


def find_segment(services: Services, chosen: Filter) -> Filter:
    """The filter with its segment, if it only names it. Raises BadInput if there is no such segment."""
    segment = chosen.segment
    if segment is None or segment.condition is not None:
        return chosen
    found = services.segments.get(segment.id)
    if found is None:
        raise BadInput({"segment": [Text("segment.unknown", segment=segment.id)]})
    return replace(chosen, segment=found)


def as_it_would_start(services: Services, mailing: Mailing) -> Mailing:
    """With the segment that a start would take now, and without an approval of another one.

    A mailing that has started keeps the segment that it took.
    """
    chosen = mailing.chosen if mailing.plan is not None else with_current_segment(services, mailing.chosen)
    if chosen == mailing.chosen:
        return mailing
    after = replace(mailing, chosen=chosen)
    return replace(after, approval="", approved_by=None) if mailing.approval == GIVEN else after


def with_current_segment(services: Services, chosen: Filter) -> Filter:
    """With the segment as it is now. If it was deleted, the copy stays: a deletion changes no mailing."""
    if chosen.segment is None:
        return chosen
    return replace(chosen, segment=services.segments.get(chosen.segment.id) or chosen.segment)
