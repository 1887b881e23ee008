"""Downloads of CSV files, in the same parts as in the API. Users who only read get masked phone numbers."""

from __future__ import annotations

from chalice.app import Response

from ..http import exports
from ..http.calls import Call, read_id
from ..http.filters import CLIENT_FILTERS
from ..http.paging import PAGE_QUERY
from ..http.queries import require_known_query
from .page_requests import PageRequest


def clients(request: PageRequest) -> Response:
    return exports.clients(_call(request, *CLIENT_FILTERS, "attributes"), request.principal)


def stops(request: PageRequest) -> Response:
    return exports.stops(_call(request), request.principal)


def messages(request: PageRequest, sent_id: str) -> Response:
    return exports.messages(_call(request, "status", "reason"), read_id(sent_id), request.principal)


def consent_report(request: PageRequest, sent_id: str) -> Response:
    return exports.consent_report(_call(request), read_id(sent_id), request.principal)


def refused(request: PageRequest, sent_id: str) -> Response:
    return exports.refused(_call(request), read_id(sent_id), request.principal)


def _call(request: PageRequest, *filters: str) -> Call:
    """Raises BadInput for an unknown parameter."""
    require_known_query(request.raw_request, (*filters, *PAGE_QUERY))
    return Call(request.services, request.raw_request, request.principal)
