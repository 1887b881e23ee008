"""A segment: a condition on clients with a name, which many mailings can use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

from .condition import Condition

SEGMENT_ID = "segment_id"
"""The counter of segment ids."""

MAX_NAME = 100
"""Characters."""


@dataclass(frozen=True)
class Segment:
    """`condition`: None in a filter that only names the segment: then nobody is chosen. `version` changes with each
    write.
    """

    id: int
    name: str = ""
    condition: Condition | None = None
    version: int = 1


class SegmentFields(TypedDict, total=False):
    name: str
    filter: Condition


FIELD_NAMES = tuple(SegmentFields.__annotations__)


def changed(segment: Segment, fields: SegmentFields) -> Segment:
    name, condition = fields.get("name", segment.name), fields.get("filter", segment.condition)
    return replace(segment, name=name, condition=condition)
