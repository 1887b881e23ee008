"""The page of the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chalice.app import Response

from ..access.audit import GATEWAY_AUTHOR, SERVICE_AUTHOR, list_records
from ..domain.audit_record import KINDS, AuditFilter, AuditRecord
from ..domain.client_import import ClientImport
from ..domain.condition_json import from_json
from ..domain.condition_text import describe
from ..domain.segment import Segment
from .local_time import moments_of, zone_of
from .page_requests import PageRequest

LIST_LENGTH = 50
FILTERS = ("who", "what", "id", "from", "to")


def list_(request: PageRequest) -> Response:
    page = request.list_page(numbers=2, length=LIST_LENGTH)
    position = (page.position[0], page.position[1]) if page.position else None
    filters = {name: request.query.get(name, "").strip() for name in FILTERS}
    query, wanted = {name: value for name, value in filters.items() if value}, _wanted(request, filters)
    found, next_position = list_records(request.services, position, page.limit, wanted=wanted)
    return request.page(
        "audit.html",
        records=found,
        next=request.next_page(page, next_position, query),
        is_short=len(found) < page.limit and not wanted.is_all,
        filters=filters,
        is_filtered=bool(query),
        zone=zone_of(request),
        kinds=KINDS,
        own_authors=(SERVICE_AUTHOR, GATEWAY_AUTHOR),
        segments=_segments(request, found),
        imports=_imports(request, found),
        described=lambda condition: _described(request, condition),
    )


def _wanted(request: PageRequest, filters: Mapping[str, str]) -> AuditFilter:
    """The days are those of the user's zone; `to` is the last one."""
    at_from, at_before = moments_of(request, filters["from"], filters["to"])
    return AuditFilter(filters["who"], filters["what"], filters["id"], at_from, at_before)


def _segments(request: PageRequest, records: Iterable[AuditRecord]) -> dict[int, Segment]:
    """The segments that the records name by their ids: as they are now, without those that are deleted."""
    named = {fields.get("segment") for record in records for fields in (record.before, record.after) if fields}
    return request.services.segments.get_many(number for number in named if isinstance(number, int))


def _imports(request: PageRequest, records: Iterable[AuditRecord]) -> dict[str, ClientImport]:
    """The imports of the records by their ids: a record is made before the rows of its file are counted."""
    ids = [int(record.id) for record in records if record.what == "import" and record.id.isdecimal()]
    found = request.services.imports.get_many(list(dict.fromkeys(ids)))
    return {str(number): client_import for number, client_import in found.items()}


def _described(request: PageRequest, stored: Mapping[str, Any]) -> str:
    """A condition as a sentence; as it is stored, if an earlier version stored it otherwise."""
    try:
        return request.localized(describe(from_json(stored)))
    except (ArithmeticError, AttributeError, KeyError, StopIteration, TypeError, ValueError):
        return str(stored)
