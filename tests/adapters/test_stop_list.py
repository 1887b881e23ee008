"""The stop list: phone numbers, whether or not a client has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from chalicelib.domain.audit_record import AuditRecord, Author
from chalicelib.domain.client import Client
from chalicelib.domain.erasure import erasure_of_phone
from chalicelib.domain.phone_digest import phone_digest
from chalicelib.domain.stop import Stop, StopCause
from chalicelib.errors import PhoneErased, PhoneTaken, RowChanged

SINCE = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
ANNA = Client(1, "79770000001")
STOPPED = replace(ANNA, opted_out_at=SINCE)
ALONE = Stop("79210000002", SINCE, "api", "asked by phone")
MOMENTS = count()


def record() -> AuditRecord:
    """Each has a number of its own."""
    at = SINCE + timedelta(seconds=next(MOMENTS))
    return Author("anna", at, 0.5).record("phone", "12345678", None, {"reason": "asked by phone"}, "opted out")


def test_a_stop_without_a_client_is_read_as_it_was_added(services: Any) -> None:
    written = record()
    services.stop_list.add(ALONE, written)
    assert services.stop_list.get(ALONE.phone_number) == ALONE
    assert services.clients.stop_of(ALONE.phone_number) == SINCE
    assert services.clients.find_by_phone(ALONE.phone_number) is None
    assert services.stop_list.get("79210000003") is None
    assert services.audit.read(SINCE.toordinal(), 10**20, 9) == [written]


def test_a_number_that_is_stopped_or_has_a_client_is_not_added_again(services: Any) -> None:
    services.stop_list.add(ALONE, record())
    services.clients.add(ANNA)
    for stop in (replace(ALONE, reason="again"), Stop(ANNA.phone_number, SINCE)):
        with pytest.raises(RowChanged):
            services.stop_list.add(stop, record())
        with pytest.raises(RowChanged):
            services.stop_list.add_many([Stop("79210000009", SINCE), stop], [record()])
    assert services.stop_list.get(ALONE.phone_number) == ALONE
    assert services.stop_list.get(ANNA.phone_number) is None
    assert services.stop_list.get("79210000009") is None


def test_a_stop_of_a_client_has_its_cause_until_the_client_opts_in(services: Any) -> None:
    services.clients.add(ANNA)
    services.clients.change(ANNA, STOPPED, record(), StopCause("console", "a letter"))
    assert services.stop_list.get(ANNA.phone_number) == Stop(ANNA.phone_number, SINCE, "console", "a letter", 1)
    services.clients.change(STOPPED, ANNA)
    assert services.stop_list.get(ANNA.phone_number) is None
    services.clients.change(ANNA, STOPPED, None, StopCause("api"))
    assert services.stop_list.get(ANNA.phone_number) == Stop(ANNA.phone_number, SINCE, "api", None, 1)


def test_the_cause_stays_when_a_client_takes_and_leaves_the_number(services: Any) -> None:
    services.stop_list.add(ALONE, record())
    boris = Client(2, ALONE.phone_number, opted_out_at=SINCE)
    services.clients.add(boris, record())
    assert services.stop_list.get(ALONE.phone_number) == replace(ALONE, client_id=2)
    moved = replace(boris, phone_number="79210000005")
    services.clients.change(boris, moved, None, StopCause("moved"))
    assert services.stop_list.get(ALONE.phone_number) == ALONE
    assert services.stop_list.get("79210000005") == Stop("79210000005", SINCE, "moved", None, 2)
    services.clients.remove(moved)
    assert services.stop_list.get("79210000005") == Stop("79210000005", SINCE, "moved", None)
    services.clients.add_many([replace(boris, id=3)], (), StopCause("import"))
    assert services.stop_list.get(ALONE.phone_number) == replace(ALONE, client_id=3)


@pytest.mark.parametrize("is_audited", [False, True])
def test_a_stopped_number_is_taken_for_a_client_that_is_not_stopped_or_has_another_client(
    services: Any, is_audited: bool
) -> None:
    def audited() -> AuditRecord | None:
        return record() if is_audited else None

    services.stop_list.add(ALONE, record())
    services.clients.add(ANNA)
    with pytest.raises(PhoneTaken):
        services.clients.add(Client(2, ALONE.phone_number), audited())
    with pytest.raises(PhoneTaken):
        services.clients.change(ANNA, replace(ANNA, phone_number=ALONE.phone_number), audited())
    services.clients.change(ANNA, replace(STOPPED, phone_number=ALONE.phone_number), audited())
    with pytest.raises(PhoneTaken):
        services.clients.add(replace(STOPPED, id=3, phone_number=ALONE.phone_number), audited())
    services.clients.add(replace(STOPPED, id=4), audited())
    wanted = replace(STOPPED, id=4, phone_number=ALONE.phone_number)
    with pytest.raises(PhoneTaken):
        services.clients.change(replace(STOPPED, id=4), wanted, audited())


def test_a_stop_is_removed_unless_it_has_changed(services: Any) -> None:
    services.stop_list.add(ALONE, record())
    with pytest.raises(RowChanged):
        services.stop_list.remove(replace(ALONE, opted_out_at=SINCE + timedelta(days=1)), record())
    services.stop_list.remove(ALONE, record())
    assert services.stop_list.get(ALONE.phone_number) is None
    services.clients.add(Client(2, ALONE.phone_number))
    with pytest.raises(RowChanged):
        services.stop_list.remove(ALONE, record())


def test_an_erased_number_is_not_added_and_not_listed(services: Any) -> None:
    services.stop_list.add(ALONE, record())
    digest = phone_digest(services.phone_key.value(), ALONE.phone_number)
    services.erasures.erase_phone(ALONE.phone_number, SINCE, erasure_of_phone(digest, SINCE), record())
    with pytest.raises(PhoneErased):
        services.stop_list.add(ALONE, record())
    with pytest.raises(RowChanged):
        services.stop_list.add_many([ALONE], [record()])
    assert services.stop_list.get(ALONE.phone_number) is None
    assert services.stop_list.read(None, 10) == []


def test_the_list_has_every_stop_once_and_no_other_number_in_pages_of_any_size(services: Any) -> None:
    stops = [Stop(f"7921000{number:04d}", SINCE + timedelta(seconds=number // 3)) for number in range(20)]
    services.stop_list.add_many(stops[:10], [record()])
    for stop in stops[10:]:
        services.stop_list.add(stop, record())
    services.clients.add(Client(1, "79770000001"))
    services.clients.add(Client(2, "79770000002", opted_out_at=SINCE), None, StopCause("import"))
    wanted = {*stops, Stop("79770000002", SINCE, "import", None, 2)}
    for size in (1, 3, 7, 50):
        found: list[Stop] = []
        while page := services.stop_list.read(found[-1].position if found else None, size):
            found += page
        assert len(found) == len(wanted)
        assert set(found) == wanted
