"""The record of who did what, over HTTP."""

from __future__ import annotations

from chalice.app import Response

from ..access import audit
from ..http.calls import Call
from ..http.paging import answer_page, read_page
from ..representation import represent_record


def list_(call: Call) -> Response:
    page = read_page(call.query, numbers=2)
    place = (page.place[0], page.place[1]) if page.place else None
    found, rest = audit.list_records(call.services, place, page.limit)
    return Response(answer_page(call.url, call.query, page, rest, [represent_record(record) for record in found]))
