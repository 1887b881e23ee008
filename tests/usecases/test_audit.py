"""Audit records are read from the newest, day by day, for the time that they are kept."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.access.audit import FILTERED_ROWS, MAX_READS, list_records
from chalicelib.domain.audit_record import MAX_TEXT_LENGTH, AuditFilter, AuditRecord, Author
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


ANNA = Author("anna", FakeServices().clock.now(), 0.5)


def test_a_record_of_a_client_has_no_complete_phone_number_and_no_value_of_an_attribute() -> None:
    fields = {"id": 1, "phone_number": "79774053329", "tag": "vip", "attributes": {"name": "Ольга"}}
    record = ANNA.record("client", 1, None, fields)
    assert record.after == {"id": 1, "phone_number": "7977*******", "tag": "vip", "attributes": {"name": "***"}}
    assert ANNA.record("client", 1, fields, None).before == record.after


def test_a_record_names_the_attributes_that_changed_and_says_that_a_number_changed() -> None:
    before = {"phone_number": "79774053329", "tag": None, "attributes": {"name": "Ольга", "city": "Омск", "old": "1"}}
    after = {"phone_number": "79774053328", "tag": None, "attributes": {"name": "Анна", "city": "Омск", "new": "2"}}
    record = ANNA.record("client", 1, before, after)
    assert record.before == {"phone_number": "7977*******", "attributes": {"name": "***", "old": "***"}}
    assert record.after == {"phone_number": "7977*******", "attributes": {"name": "***", "new": "***"}}


def test_a_phone_number_at_the_cut_of_a_long_text_is_masked() -> None:
    text = "я" * (MAX_TEXT_LENGTH - 9) + " 79774053329"
    record = ANNA.record("test_message", 1, None, {"message_text": text})
    assert "9774" not in str(record.after).replace("7977*", "")


def test_a_record_of_a_mailing_keeps_its_text_as_it_is() -> None:
    assert ANNA.record("mailing", 1, None, {"message_text": "Call 79774053329"}).after == {
        "message_text": "Call 79774053329"
    }


def test_a_record_that_version_1_0_0_wrote_is_listed_with_masks() -> None:
    services = FakeServices()
    written = {"phone_number": "79774053329", "message_text": "Ольга, 79774053329", "attributes": {"name": "Ольга"}}
    services.audit.add(AuditRecord(1, services.clock.now(), "anna", "made", "client", "1", None, written))
    [record], _ = list_records(services, None, 10)
    assert record.after == {
        "phone_number": "7977*******",
        "message_text": "Ольга, 7977*******",
        "attributes": {"name": "***"},
    }


def test_a_filter_finds_records_of_an_author_of_a_kind_and_of_an_object_in_few_reads() -> None:
    services = FakeServices()
    for number in range(4 * FILTERED_ROWS):
        author = Author("boris" if number % FILTERED_ROWS else "anna", services.clock.now(), number / 4 / FILTERED_ROWS)
        services.audit.write(author.record("mailing" if number else "client", number, None, {}))
    found, place = list_records(services, None, 3, wanted=AuditFilter(who="anna"))
    assert [record.id for record in found] == [str(FILTERED_ROWS * times) for times in (3, 2, 1)]
    found, _ = list_records(services, place, 3, wanted=AuditFilter(who="anna"))
    assert [record.id for record in found] == ["0"]
    assert [record.id for record in list_records(services, None, 3, wanted=AuditFilter(what="client"))[0]] == ["0"]
    assert [record.who for record in list_records(services, None, 3, wanted=AuditFilter(id="7"))[0]] == ["boris"]
    assert list_records(services, None, 3, wanted=AuditFilter("anna", "client", "1"))[0] == []


def test_a_filter_that_finds_nothing_reads_as_many_days_as_any_page() -> None:
    services = FakeServices(audit_retention_days=MAX_READS + 5)
    found, place = list_records(services, None, 3, wanted=AuditFilter(who="nobody"))
    assert (found, place is None) == ([], False)
    assert list_records(services, place, 3, wanted=AuditFilter(who="nobody")) == ([], None)
