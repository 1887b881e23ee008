"""Who did what: in whose name it is recorded, and the records, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.audit_record import AuditRecord, Author, day_of

if TYPE_CHECKING:
    from ..adapters.services import Services

MAX_READS = 40
"""Days that one page may look at; quiet ones cost a read each."""

ABOVE_ALL = 10**20

SERVICE_AUTHOR = "the service itself"
"""Who it was where nobody decided anything."""


def author_of(services: Services, name: str) -> Author:
    """In whose name a change is recorded, now."""
    return Author(name, services.clock.now(), services.clock.jitter())


def list_records(
    services: Services, place: tuple[int, int] | None, limit: int
) -> tuple[list[AuditRecord], tuple[int, int] | None]:
    """A page, and the place (day, number) that the next one goes on below; None when no older ones are kept."""
    today = day_of(services.clock.now())
    day, before = place or (today, ABOVE_ALL)
    found: list[AuditRecord] = []
    for _ in range(MAX_READS):
        if day < today - services.settings.audit_retention_days:
            return found, None
        wanted = limit - len(found)
        records = services.audit.read(day, before, wanted)
        found += records
        if len(records) == wanted:
            return found, (day, found[-1].number)
        day, before = day - 1, ABOVE_ALL
    return found, (day, before)
