"""The copy of the audit: every record once, whatever was refused, and however records and runs meet."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.access.audit_copy import PAGE, SECONDS_FOR_A_PAGE, SETTLED, copy_audit, key_of
from chalicelib.domain.audit_record import AuditRecord, Author, number_at
from infra.local.doubles.fake_access import FakeAuditBucket
from infra.local.doubles.fakes import FakeServices

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
LONG = timedelta(days=3)


def in_time() -> float:
    return 60.0


def record(services: FakeServices, at: datetime, jitter: float = 0.5, **fields: Any) -> AuditRecord:
    made = Author("anna", at, jitter).record("token", "shop", None, {"role": "read", **fields})
    services.audit.add(made)
    return made


def keys(*records: AuditRecord) -> set[str]:
    return {key_of("notifications", one) for one in records}


@pytest.fixture
def services() -> FakeServices:
    services = FakeServices()
    services.clock.forward_to(MIDNIGHT + timedelta(hours=9))
    return services


class Refusing(FakeAuditBucket):
    """Refuses the object with this name, and with it everything if there is none."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.name = name

    def add(self, key: str, content: bytes) -> None:
        if self.name in key:
            raise PermissionError("AccessDenied")
        super().add(key, content)


def test_each_record_is_copied_once_with_all_that_it_says(services: FakeServices) -> None:
    now = services.clock.now()
    made = [record(services, now - timedelta(hours=hours)) for hours in (100, 24, 10, 2, 1)]
    assert copy_audit(services, in_time) == 5
    assert set(services.audit_bucket.objects) == keys(*made)
    assert json.loads(services.audit_bucket.objects[key_of("notifications", made[0])]) == {
        "number": made[0].number,
        "at": "2026-11-20T05:00:00Z",
        "who": "anna",
        "action": "made",
        "what": "token",
        "id": "shop",
        "before": None,
        "after": {"role": "read"},
    }
    services.clock.forward(300)
    assert copy_audit(services, in_time) == 0


def test_a_record_that_is_written_late_is_not_passed_over(services: FakeServices) -> None:
    """Its number is that of the beginning of its invocation."""
    begun = services.clock.now()
    record(services, begun - timedelta(hours=1))
    services.clock.forward(110)
    newer = record(services, services.clock.now() - timedelta(seconds=100))
    copy_audit(services, in_time)
    late = record(services, begun)
    services.clock.forward(SETTLED.total_seconds())
    copy_audit(services, in_time)
    assert keys(newer, late) <= set(services.audit_bucket.objects)


def test_what_the_bucket_refuses_is_copied_when_it_accepts_again(services: FakeServices) -> None:
    made = [record(services, services.clock.now() - timedelta(hours=hours)) for hours in (30, 8)]
    services.audit_bucket = Refusing()
    for _ in range(3):
        with pytest.raises(PermissionError):
            copy_audit(services, in_time)
        services.clock.forward(300)
    services.clock.forward(LONG.total_seconds())
    services.audit_bucket = FakeAuditBucket()
    assert copy_audit(services, in_time) == 2
    assert set(services.audit_bucket.objects) == keys(*made)


def test_one_record_that_the_bucket_refuses_is_not_passed_over(services: FakeServices) -> None:
    made = [record(services, services.clock.now() - timedelta(hours=hours)) for hours in (9, 8, 7)]
    services.audit_bucket = Refusing(str(made[1].number))
    for _ in range(2):
        with pytest.raises(PermissionError):
            copy_audit(services, in_time)
    accepted = services.audit_bucket.objects
    services.audit_bucket = FakeAuditBucket()
    copy_audit(services, in_time)
    assert set(services.audit_bucket.objects) == keys(*made)
    assert services.audit_bucket.objects.items() >= accepted.items(), "a repeated copy is the same object"


def test_a_run_that_is_short_of_time_leaves_the_rest_to_the_next_one(services: FakeServices) -> None:
    first = services.clock.now() - timedelta(hours=2)
    made = [record(services, first + timedelta(seconds=number)) for number in range(2 * PAGE + 5)]
    runs = 0
    while len(services.audit_bucket.objects) < len(made):
        assert copy_audit(services, lambda: SECONDS_FOR_A_PAGE - 1) <= PAGE
        runs += 1
        assert runs < 500
    assert services.audit_bucket.puts <= len(made) + runs


def test_a_long_retention_without_records_is_passed_in_runs_that_are_short_of_time() -> None:
    services = FakeServices(audit_retention_days=36_500)
    services.clock.forward_to(MIDNIGHT)
    made = record(services, MIDNIGHT - timedelta(days=1))
    for _ in range(36_500):
        copy_audit(services, lambda: 0.0)
    assert set(services.audit_bucket.objects) == keys(made)


@pytest.mark.parametrize("microseconds", [-1001, -1000, -2, -1, 0, 1, 2, 1000])
def test_a_record_around_midnight_is_copied(services: FakeServices, microseconds: int) -> None:
    """Runs end before, at and after it."""
    at = MIDNIGHT + LONG + timedelta(microseconds=microseconds)
    made = record(services, at, jitter=0.0)
    ends = [MIDNIGHT + LONG + timedelta(microseconds=number) for number in range(-3, 4)]
    for end in ends:
        services.clock.forward_to(end + SETTLED)
        copy_audit(services, in_time)
    services.clock.forward(3600)
    copy_audit(services, in_time)
    assert set(services.audit_bucket.objects) == keys(made)


def test_a_copy_has_no_phone_number_of_a_client(services: FakeServices) -> None:
    """Version 1.0.0 wrote records with numbers and attributes."""
    at = services.clock.now() - timedelta(hours=1)
    fields = {"phone_number": "79771234567", "attributes": {"name": "Anna"}}
    services.audit.add(AuditRecord(number_at(at), at, "anna", "made", "client", "7", None, fields))
    copy_audit(services, in_time)
    (content,) = services.audit_bucket.objects.values()
    assert json.loads(content)["after"] == {"phone_number": "7977*******", "attributes": {"name": "***"}}
