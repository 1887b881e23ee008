"""The list of mailings: those under way first, or found by text, status, segment and day of the start, and sorted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chalice.app import Response

from ..delivery.balances import known_balances
from ..domain.mailing import STATUSES
from ..domain.mailing_search import ANY_MAILING, OPEN_FIRST, ORDERS, MailingFilter
from ..errors import BadInput, FieldErrors
from ..http.calls import ID
from ..http.filters import read_mailing_filter
from ..http.paging import Page
from ..mailings.listing import BEGINNING, MailingPage, Position, list_open_first, read_mailings, search_mailings
from ..mailings.segments import list_segments
from .drafts import newest
from .local_time import moments_of, zone_of
from .page_requests import LONGEST_LIST, PageRequest

LIST_LENGTH = 50
SEGMENTS_SHOWN = 100
FILTERS = ("text", "status", "segment", "from", "to", "order")
NONE_FOUND = MailingPage([], 0, None)
DAY = timedelta(days=1)


def list_(request: PageRequest) -> Response:
    if "live" in request.query:
        return _follow(request)
    page, filters = request.list_page(numbers=3, length=LIST_LENGTH), _filters(request)
    errors = FieldErrors()
    try:
        found = _found(request, page, filters)
    except BadInput as refusal:
        found, errors = NONE_FOUND, refusal.errors
    query = {name: value for name, value in filters.items() if value}
    shown = (page.position or BEGINNING)[0]
    return request.page(
        "mailings.html",
        BadInput.status_code if errors else 200,
        **_rows(request, found),
        found=found,
        first=shown + 1,
        filters=filters,
        is_filtered=bool(query),
        errors=errors,
        next=request.next_page(page, found.next, query),
        older=_older(request, page, found, query),
        statuses=STATUSES,
        orders=tuple(ORDERS),
        zone=zone_of(request),
        segments=list_segments(request.services, None, SEGMENTS_SHOWN)[0],
        balances=known_balances(request.services),
        drafts=newest(request),
    )


def _filters(request: PageRequest) -> dict[str, str]:
    return {name: request.query.get(name, "").strip() for name in FILTERS}


def _found(request: PageRequest, page: Page, filters: dict[str, str]) -> MailingPage:
    """Raises BadInput."""
    wanted, order = _wanted(request, filters), filters["order"] if filters["order"] in ORDERS else OPEN_FIRST
    position: Position = page.position or BEGINNING  # type: ignore[assignment]
    if wanted == ANY_MAILING and order == OPEN_FIRST:
        return list_open_first(request.services, position, page.limit)
    return search_mailings(request.services, wanted, order, position, page.limit)


def _wanted(request: PageRequest, filters: dict[str, str]) -> MailingFilter:
    """The days are those of the user's zone; `to` is the last one."""
    first, last = moments_of(request, filters["from"], filters["to"])
    days = {
        "start_from": first.isoformat() if first else "",
        "start_before": last.isoformat() if last else "",
    }
    return read_mailing_filter({**days, **{name: filters[name] for name in ("text", "status", "segment")}})


def _older(request: PageRequest, page: Page, found: MailingPage, query: dict[str, str]) -> str | None:
    """Where the search goes on below the mailings that it has looked at; None if these are all."""
    if found.searched_from is None or found.next is not None:
        return None
    return request.next_page(page, (0, 0, found.searched_from), query)


def _follow(request: PageRequest) -> Response:
    """The rows that the page shows, as they are now, without the reads of a search."""
    sent = request.query.get("ids", "").split(".")[:LONGEST_LIST]
    mailings = read_mailings(request.services, [int(number) for number in sent if ID.fullmatch(number)])
    return request.page("mailings_live.html", **_rows(request, MailingPage(mailings, 0, None)))


def _rows(request: PageRequest, found: MailingPage) -> dict[str, Any]:
    return {
        "mailings": found.mailings,
        "is_live": any(mailing.is_open for mailing in found.mailings),
        "currency": request.services.settings.gateway_currency,
    }
