"""The fields of a mailing that a request sets, and the parts of a mailing that several of them make together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import TypedDict

from ..errors import BadInput
from ..texts import Text
from .canary import DEFAULT_ERROR_RATE, Canary
from .condition import Condition
from .filter import Filter
from .segment import Segment
from .send_window import SendWindow


class MailingFields(TypedDict, total=False):
    """The fields of a mailing that a request sets, checked one by one. An absent field keeps its value."""

    datetime_start: datetime
    datetime_end: datetime
    message_text: str
    purpose: str
    sender: str
    filter_tag: tuple[str, ...]
    filter_op_codes: tuple[str, ...]
    filter: Condition | None
    segment: int | None
    time_from: time | None
    time_to: time | None
    rate_limit: int | None
    canary: int | None
    max_error_rate: int | None
    max_cost: int | None


FIELD_NAMES = tuple(MailingFields.__annotations__)


def filter_of(before: Filter, fields: MailingFields) -> Filter:
    """A segment is only named: it is looked up before the mailing is written."""
    segment_id = fields.get("segment", before.segment.id if before.segment else None)
    is_same = before.segment is not None and before.segment.id == segment_id
    segment = before.segment if is_same else Segment(segment_id) if segment_id is not None else None
    return Filter(
        fields.get("filter_tag", before.tags),
        fields.get("filter_op_codes", before.operator_codes),
        fields.get("filter", before.condition),
        segment=segment,
    )


def window_of(before: SendWindow | None, fields: MailingFields) -> SendWindow | None:
    """Both ends or none, also if a change names only one of them."""
    opens = fields.get("time_from", before.opens if before else None)
    closes = fields.get("time_to", before.closes if before else None)
    if opens is None and closes is None:
        return None
    if opens is None or closes is None:
        missing = "time_from" if opens is None else "time_to"
        raise BadInput({missing: [Text("mailing.half_a_window")]})
    if opens == closes:
        raise BadInput({"time_to": [Text("mailing.empty_window")]})
    return SendWindow(opens, closes)


def canary_of(before: Canary | None, fields: MailingFields) -> Canary | None:
    size = fields.get("canary", before.size if before else None)
    rate = fields.get("max_error_rate", before.max_error_rate if before else None)
    if size is None:
        if fields.get("max_error_rate") is not None:
            raise BadInput({"max_error_rate": [Text("mailing.no_canary")]})
        return None
    return replace(before or Canary(size), size=size, max_error_rate=DEFAULT_ERROR_RATE if rate is None else rate)
