"""The messages on the page of a mailing: the list, the failures by reason, and the phone numbers of both roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..domain.mailing import Mailing
from ..domain.message import DELIVERED, EXPIRED, FAILED, RESENDABLE, STATUSES, UNDELIVERED, UNKNOWN, Message
from ..domain.walk import BEGINNING, reads_limit, time_limit
from ..http.filters import read_message_status
from ..http.paging import position_of
from ..http.phones import phones_of
from ..mailings import stats
from ..mailings.failures import failure_named, failures_of
from .page_requests import PageRequest

MESSAGES_LENGTH = 50
LAST_ERRORS = 5
READS_FOR_ERRORS, SECONDS_FOR_ERRORS = 5, 2.0
"""A read has a thousand messages. Rarer errors are in the lists by status; to find them here would read the mailing."""


def listed(request: PageRequest, mailing: Mailing) -> dict[str, Any]:
    """A page of messages, of all or of one status, or of one status and reason. Raises BadInput and NotFound."""
    page = request.list_page(numbers=2, length=MESSAGES_LENGTH)
    status = read_message_status(request.query.get("status"))
    key = request.query.get("reason")
    reason = failure_named(request.services, mailing, key)[0] if key else None
    if reason is not None:
        status = reason.status
    found, cursor = stats.list_messages(
        request.services, mailing, status, page.cursor, page.limit, error=reason.text if reason else None
    )
    query = {name: value for name, value in (("status", status), ("reason", key)) if value}
    return {
        "messages": found,
        "phones": phones_of(request.services, request.principal, found),
        "next": request.next_page(page, position_of(cursor), query),
        "status": status,
        "reason": reason,
        "statuses": _statuses(request),
    }


def failed(request: PageRequest, mailing: Mailing) -> dict[str, Any]:
    """The failures by reason; for a mailing of an earlier version some messages with their errors."""
    failures = failures_of(request.services, mailing)
    errors = [] if failures else _last_errors(request, mailing)
    return {
        "failures": failures,
        "resendable": RESENDABLE,
        "errors": errors,
        "error_phones": phones_of(request.services, request.principal, errors),
    }


def _statuses(request: PageRequest) -> list[str]:
    """The statuses of the filter. Those of delivery receipts are left out if the settings expect no receipts."""
    left_out: Iterable[str] = () if request.services.settings.receipts else (DELIVERED, UNDELIVERED)
    return [status for status in STATUSES if status not in left_out]


def _last_errors(request: PageRequest, mailing: Mailing) -> list[Message]:
    """Some messages that failed, are unknown, were not delivered or expired: as many as are found in a few reads.

    Each status has at least one read.
    """
    found: list[Message] = []
    may_read = reads_limit(READS_FOR_ERRORS, time_limit(request.services.clock.now, SECONDS_FOR_ERRORS))
    for status in (FAILED, UNKNOWN, UNDELIVERED, EXPIRED):
        if len(found) < LAST_ERRORS and getattr(mailing.counts, status):
            found += stats.list_messages(
                request.services, mailing, status, BEGINNING, LAST_ERRORS, may_read, at_once=1
            )[0]
    return found[:LAST_ERRORS]
