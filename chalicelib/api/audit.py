"""The record of who did what, over HTTP."""

from __future__ import annotations

from chalice.app import Response

from .. import audit
from ..domain.record import Record, shown_moment
from .calls import Call
from .paging import answer_page, read_page


def list_(call: Call) -> Response:
    page = read_page(call.query, numbers=2)
    place = (page.place[0], page.place[1]) if page.place else None
    found, rest = audit.list_records(call.outside, place, page.limit)
    return Response(answer_page(call.url, call.query, page, rest, [shown(record) for record in found]))


def shown(record: Record) -> dict[str, object]:
    return {
        "at": shown_moment(record.at),
        "who": record.who,
        "action": record.action,
        "what": record.what,
        "id": record.id,
        "before": record.before,
        "after": record.after,
    }
