"""The page of who did what."""

from __future__ import annotations

from chalice.app import Response

from ..access.audit import list_records
from ..http.paging import answer_page, read_page
from .visits import Visit

LIST_LENGTH = 50


def list_(visit: Visit) -> Response:
    page = read_page({"limit": str(LIST_LENGTH), **visit.query}, numbers=2)
    place = (page.place[0], page.place[1]) if page.place else None
    found, rest = list_records(visit.outside, place, page.limit)
    listed = answer_page(visit.prefix + visit.path, {}, page, rest, [])
    return visit.page("audit.html", records=found, next=listed["next"])
