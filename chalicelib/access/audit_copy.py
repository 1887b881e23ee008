"""Copies of audit records in a bucket with Object Lock, where nobody can change or delete them.

A schedule starts a run every few minutes. A run goes on from the number that the last one reached, so what a bucket has
refused, for minutes or for months, is copied later. Each record is an object whose name and content are made of the
record alone: a repeated copy meets its own object.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.audit_record import AuditRecord, day_of, day_of_number, first_number, number_at
from ..representation import represent_record

if TYPE_CHECKING:
    from ..adapters.services import Services

SETTLED = timedelta(minutes=5)
"""A record is numbered when its change begins, and written by the same invocation, which takes two minutes at most. So
no record comes later with a number this old."""

PAGE = 100
THREADS = 10
SECONDS_FOR_A_PAGE = 20.0


def copy_audit(services: Services, seconds_left: Callable[[], float]) -> int:
    """Copy the records that are settled and not copied yet; returns how many. Raises what the table or the bucket
    refuses: then the next run repeats the page.
    """
    after, until = _range(services)
    copied = 0
    for day in range(day_of_number(after + 1), day_of_number(until) + 1):
        for records in _pages(services, day, after, until):
            _copy(services, records)
            copied += len(records)
            services.counters.move_audit_copy(records[-1].number)
            if seconds_left() < SECONDS_FOR_A_PAGE:
                return copied
        services.counters.move_audit_copy(min(until, first_number(day + 1) - 1))
        if seconds_left() < SECONDS_FOR_A_PAGE:
            return copied
    return copied


def key_of(stack_name: str, record: AuditRecord) -> str:
    """<stack>/2026-11-23/<number>.json"""
    return f"{stack_name}/{record.at:%Y-%m-%d}/{record.number}.json"


def content_of(record: AuditRecord) -> bytes:
    """Masked as in the API. The number tells the order of records of one second."""
    shown = {"number": record.number, **represent_record(record.masked)}
    return json.dumps(shown, ensure_ascii=False).encode()


def _range(services: Services) -> tuple[int, int]:
    """The number that the last run reached, and the one to reach. What is older than the retention of the audit has
    been deleted by the time to live.
    """
    now = services.clock.now()
    oldest = first_number(day_of(now) - services.settings.audit_retention_days)
    return max(services.counters.copied_audit_until(), oldest - 1), number_at(now - SETTLED)


def _pages(services: Services, day: int, after: int, until: int) -> Iterator[list[AuditRecord]]:
    while records := services.audit.read_between(day, after, until, PAGE):
        yield records
        if len(records) < PAGE:
            return
        after = records[-1].number


def _copy(services: Services, records: list[AuditRecord]) -> None:
    def copy(record: AuditRecord) -> None:
        services.audit_bucket.add(key_of(services.settings.stack_name, record), content_of(record))

    with services.thread_pool(THREADS) as pool:
        for _ in pool.map(copy, records):
            pass
