"""The page of who did what."""

from __future__ import annotations

from chalice.app import Response

from ..access.audit import list_records
from ..http.paging import answer_page, read_page
from .page_requests import PageRequest

LIST_LENGTH = 50


def list_(request: PageRequest) -> Response:
    page = read_page({"limit": str(LIST_LENGTH), **request.query}, numbers=2)
    place = (page.place[0], page.place[1]) if page.place else None
    found, rest = list_records(request.services, place, page.limit)
    listed = answer_page(request.prefix + request.path, {}, page, rest, [])
    return request.page("audit.html", records=found, next=listed["next"])
