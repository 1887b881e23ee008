"""`GET /Audit/`."""

from __future__ import annotations

from chalice.app import Response

from ..access import audit
from ..http.calls import Call
from ..http.filters import read_audit_filter
from ..http.paging import Listed, answer_page, read_page
from ..representation import represent_record


def list_(call: Call) -> Response:
    page, has_time, wanted = read_page(call.query, numbers=2), call.has_time, read_audit_filter(call.query)
    position = (page.position[0], page.position[1]) if page.position else None

    def read(limit: int) -> Listed:
        found, next_position = audit.list_records(call.services, position, limit, has_time, wanted)
        return [represent_record(record) for record in found], next_position

    return Response(answer_page(call.url, call.query, page, read))
