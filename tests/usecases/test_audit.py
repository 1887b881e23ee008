"""Audit records are read from the newest, day by day, for the time that they are kept."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.access.audit import MAX_READS, list_records
from chalicelib.domain.audit_record import MAX_TEXT_LENGTH, Author
from infra.local.doubles.fakes import FakeServices


def add(services: FakeServices, days_ago: int, jitter: float = 0.0) -> None:
    author = Author("anna", services.clock.now() - timedelta(days=days_ago), jitter)
    services.audit.write(author.record("client", days_ago, None, {}))


def test_a_page_covers_several_days_and_the_next_page_continues_below_it() -> None:
    services = FakeServices()
    for days_ago in (0, 0, 3, 9):
        add(services, days_ago, jitter=len(services.audit.records) / 10)
    first, place = list_records(services, None, 3)
    assert [record.id for record in first] == ["0", "0", "3"]
    rest, place = list_records(services, place, 3)
    assert [record.id for record in rest] == ["9"]
    while place is not None:
        rest, place = list_records(services, place, 3)
        assert rest == []


def test_a_page_reads_a_limited_number_of_days() -> None:
    services = FakeServices()
    add(services, MAX_READS + 5)
    found, place = list_records(services, None, 10)
    assert found == []
    assert [record.id for record in list_records(services, place, 10)[0]] == [str(MAX_READS + 5)]


def test_days_before_the_retention_time_are_not_read() -> None:
    services = FakeServices(audit_retention_days=2)
    add(services, 2)
    add(services, 4)
    found, place = list_records(services, None, 10)
    assert [record.id for record in found] == ["2"]
    assert place is None


def test_a_record_keeps_only_the_changed_fields_and_cuts_long_texts() -> None:
    author = Author("anna", FakeServices().clock.now(), 0.5)
    record = author.record("mailing", 1, {"text": "a", "end": "b"}, {"text": "я" * 2000, "end": "b"})
    assert record.before == {"text": "a"}
    assert record.after == {"text": "я" * MAX_TEXT_LENGTH}
