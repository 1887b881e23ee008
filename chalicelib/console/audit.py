"""The page of the audit log."""

from __future__ import annotations

from chalice.app import Response

from ..access.audit import list_records
from ..http.paging import answer_page, read_page
from .page_requests import PageRequest

LIST_LENGTH = 50


def list_(request: PageRequest) -> Response:
    page = read_page({"limit": str(LIST_LENGTH), **request.query}, numbers=2)
    position = (page.position[0], page.position[1]) if page.position else None
    found, next_position = list_records(request.services, position, page.limit)
    listed = answer_page(request.prefix + request.path, {}, page, next_position, [])
    return request.page("audit.html", records=found, next=listed["next"])
