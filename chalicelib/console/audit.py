"""The page of the audit log."""

from __future__ import annotations

from chalice.app import Response

from ..access.audit import list_records
from .page_requests import PageRequest

LIST_LENGTH = 50


def list_(request: PageRequest) -> Response:
    page = request.list_page(numbers=2, length=LIST_LENGTH)
    position = (page.position[0], page.position[1]) if page.position else None
    found, next_position = list_records(request.services, position, page.limit)
    return request.page("audit.html", records=found, next=request.next_page(page, next_position))
