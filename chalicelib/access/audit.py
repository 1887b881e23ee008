"""The audit: the author of a change, and the list of audit records, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.audit_record import EVERY_RECORD, MAX_NUMBER, AuditFilter, AuditRecord, Author, day_of, day_of_number
from ..domain.walk import LIST_SECONDS, HasTime, time_limit

if TYPE_CHECKING:
    from ..adapters.services import Services

MAX_READS = 40
"""Reads of one page. A day without records costs one read."""

FILTERED_ROWS = 500
"""Records that one read of a filtered page takes."""

SERVICE_AUTHOR = "the service itself"
"""The author of a change that no user or token made."""

GATEWAY_AUTHOR = "the gateway"
"""The author of an opt-out that the gateway knows of, or passes on from the recipient."""

MANAGE_TOKENS, MANAGE_USERS, START_IMPORT = "manage_tokens", "manage_users", "start_import"
"""The author of a change that a person made by invoking this Lambda function."""

RESERVED_NAMES = {SERVICE_AUTHOR, "сервис", GATEWAY_AUTHOR, "шлюз", MANAGE_TOKENS, MANAGE_USERS, START_IMPORT}
"""No user or token has one of these names. The console shows the first and the third as the second and the fourth."""


def author_of(services: Services, name: str) -> Author:
    """The author of a change that is made now. `name` is a user, a token or one of RESERVED_NAMES."""
    return Author(name, services.clock.now(), services.clock.jitter())


def list_records(
    services: Services,
    cursor: tuple[int, int] | None,
    limit: int,
    has_time: HasTime | None = None,
    wanted: AuditFilter = EVERY_RECORD,
) -> tuple[list[AuditRecord], tuple[int, int] | None]:
    """Returns a page and the cursor of the next page, or None if no older records are kept.

    Version 1.0.0 wrote phone numbers and attributes in full: they are masked here too.
    The cursor is a day and a number: the next page begins below them. Without time the page is short, and so is
    one whose filter wants few of the records that its reads find. `has_time`: by default six seconds.
    """
    has_time = has_time or time_limit(services.clock.now, LIST_SECONDS)
    now = services.clock.now()
    oldest = max(day_of(now) - services.settings.audit_retention_days, day_of_number(wanted.first_number))
    day, before = cursor or wanted.newest(now)
    found: list[AuditRecord] = []
    for number in range(MAX_READS):
        if number and not has_time():
            break
        if day < oldest or before <= wanted.first_number:
            return found, None
        size = limit - len(found) if wanted.is_all else FILTERED_ROWS
        records = services.audit.read(day, before, size)
        found += [record.masked for record in records if wanted.wants(record)][: limit - len(found)]
        if len(found) == limit:
            return found, (day, found[-1].number)
        day, before = (day, records[-1].number) if len(records) == size else (day - 1, MAX_NUMBER)
    return found, (day, before)
