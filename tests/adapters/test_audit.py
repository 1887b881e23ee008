"""An audit record is written together with its change, or neither is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.audit_record import Author, day_of
from chalicelib.domain.client import Client
from chalicelib.errors import PhoneTaken, RowChanged

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANNA = Client(1, "79770000001", None, "UTC")
OLEG = Client(2, "79770000002", "vip", "UTC")
ABOVE_ALL = 10**20


def author(seconds: float = 0) -> Author:
    return Author("anna", NOW + timedelta(seconds=seconds), jitter=0.5)


def everything(services: Any) -> list[Any]:
    found: list[Any] = services.audit.read(day_of(NOW), ABOVE_ALL, 100)
    return found


def test_a_record_is_read_as_it_was_written(services: Any) -> None:
    record = author().record("client", ANNA.id, None, {"phone_number": ANNA.phone_number, "tag": None})
    services.clients.add(ANNA, record)
    assert everything(services) == [record]


def test_a_change_that_fails_leaves_no_record(services: Any) -> None:
    services.clients.add(ANNA)
    twin = replace(OLEG, phone_number=ANNA.phone_number)
    with pytest.raises(PhoneTaken):
        services.clients.add(twin, author().record("client", twin.id, None, {}))
    with pytest.raises(RowChanged):
        services.clients.remove(replace(ANNA, tag="old"), author().record("client", ANNA.id, {}, None))
    assert everything(services) == []


def test_a_change_of_the_phone_number_and_a_change_of_the_tag_are_recorded(services: Any) -> None:
    services.clients.add(ANNA)
    moved = replace(ANNA, phone_number="79770000009")
    services.clients.change(ANNA, moved, author(1).record("client", 1, {"a": 1}, {"a": 2}))
    tagged = replace(moved, tag="vip")
    services.clients.change(moved, tagged, author(2).record("client", 1, {"tag": None}, {"tag": "vip"}))
    services.clients.remove(tagged, author(3).record("client", 1, {}, None))
    assert [record.action for record in everything(services)] == ["removed", "changed", "changed"]
    assert everything(services)[1].after == {"tag": "vip"}


def test_a_day_is_read_from_the_newest_in_pages(services: Any) -> None:
    records = [author(second).record("client", second, None, {}) for second in range(5)]
    for number, record in enumerate(records):
        services.clients.add(replace(OLEG, id=10 + number, phone_number=f"7977000001{number}"), record)
    newest = services.audit.read(day_of(NOW), ABOVE_ALL, 2)
    assert newest == [records[4], records[3]]
    assert services.audit.read(day_of(NOW), newest[-1].number, 10) == [records[2], records[1], records[0]]
    assert services.audit.read(day_of(NOW) - 1, ABOVE_ALL, 10) == []


def test_a_day_is_read_from_the_oldest_between_two_numbers(services: Any) -> None:
    records = [author(second).record("client", second, None, {}) for second in range(5)]
    for number, record in enumerate(records):
        services.clients.add(replace(OLEG, id=10 + number, phone_number=f"7977000001{number}"), record)
    day, (_, second, third, fourth, _) = day_of(NOW), records
    assert services.audit.read_between(day, 0, fourth.number, 3) == records[:3]
    assert services.audit.read_between(day, second.number, fourth.number, 9) == [third, fourth]
    assert services.audit.read_between(day, fourth.number, fourth.number, 9) == []
    assert services.audit.read_between(day + 1, 0, ABOVE_ALL, 9) == []


def test_the_copy_of_the_audit_has_a_position_that_no_id_changes(services: Any) -> None:
    assert services.counters.copied_audit_until() == 0
    services.counters.move_audit_copy(1_795_500_000_000_000_123)
    assert services.counters.next_id("client") == 1
    assert services.counters.copied_audit_until() == 1_795_500_000_000_000_123
