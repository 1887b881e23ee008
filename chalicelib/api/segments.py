"""`/Segments/`: list, make, read, change, delete and count segments."""

from __future__ import annotations

from typing import cast

from chalice.app import Response

from ..domain.segment import SegmentFields
from ..fields import SEGMENT, SEGMENT_READ_ONLY
from ..http.calls import Call
from ..http.paging import Listed, answer_page, position_at, read_page
from ..mailings import segments as use_cases
from ..representation import represent_segment
from ..rules import read_fields
from .etags import answer_changed, answer_read, if_match, with_etag
from .idempotency import answer_idempotently


def list_(call: Call) -> Response:
    page, has_time = read_page(call.query, numbers=1), call.has_time

    def read(limit: int) -> Listed:
        found, next_before_id = use_cases.list_segments(call.services, page.number, limit, has_time)
        return [represent_segment(segment) for segment in found], position_at(next_before_id)

    return Response(answer_page(call.url, call.query, page, read))


def create(call: Call) -> Response:
    fields = _read(call, partial=False)

    def make(reserved_id: int | None) -> Response:
        segment = use_cases.make_segment(call.services, fields, reserved_id, call.author)
        return Response(represent_segment(segment), status_code=201)

    return with_etag(answer_idempotently(call, make, new_id=lambda: use_cases.new_segment_id(call.services, fields)))


def read(call: Call, segment_id: int) -> Response:
    return answer_read(call, represent_segment(use_cases.get_segment(call.services, segment_id)))


def change(call: Call, segment_id: int, partial: bool) -> Response:
    fields = _read(call, partial)
    with if_match(call) as shown:
        segment = use_cases.change_segment(call.services, segment_id, fields, call.author, shown)
    return answer_changed(represent_segment(segment), partial)


def delete(call: Call, segment_id: int) -> Response:
    with if_match(call) as shown:
        use_cases.delete_segment(call.services, segment_id, call.author, shown)
    return Response("", status_code=204)


def count(call: Call, segment_id: int) -> Response:
    clients, is_whole = use_cases.count_segment(call.services, segment_id)
    return Response({"clients": clients, "is_whole": is_whole})


def _read(call: Call, partial: bool) -> SegmentFields:
    return cast(SegmentFields, read_fields(call.body(), SEGMENT, SEGMENT_READ_ONLY, partial))
