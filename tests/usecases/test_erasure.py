"""Forget a person: what goes, what stays, and how the clean-up goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.clients import traces
from chalicelib.clients.erasure import SECONDS_TO_SETTLE, erase_client, erase_phone, readmit_phone
from chalicelib.clients.import_worker import process_import
from chalicelib.clients.imports import check_content, import_content, list_refused
from chalicelib.clients.registry import change_client, delete_client, opt_out_client, register_client
from chalicelib.clients.traces import TRACES_ERASED, erase_traces, requeue_stalled
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client_import import FINISHED, ClientImport, RefusedRow
from chalicelib.domain.csv_file import FileFormat
from chalicelib.domain.job_bodies import from_body
from chalicelib.domain.jobs import EraseTraces
from chalicelib.errors import BadInput, NotFound
from chalicelib.mailings.test_message import send_test_message
from infra.local.doubles.fakes import FakeServices

PHONE = "79774053329"
OTHER = "79210000001"


@pytest.fixture
def services() -> Any:
    services: Any = FakeServices()
    register_client(services, {"phone_number": PHONE, "tag": "vip", "attributes": {"name": "Анна"}})
    return services


def author(services: Any) -> Author:
    return Author("anna", services.clock.now(), services.clock.jitter())


def finish(services: Any) -> None:
    for erasure in services.erasures.open():
        assert erase_traces(services, erasure.name, lambda: 60.0)


def actions(services: Any) -> list[tuple[str, str, str, str]]:
    return [(one.who, one.what, one.id, one.action) for one in services.audit.records]


def test_a_client_is_erased_with_a_record_and_the_end_is_recorded_too(services: Any) -> None:
    erased = erase_client(services, 1, author(services))
    assert (erased.client_id, erased.is_stopped) == (1, False)
    finish(services)
    assert actions(services) == [
        ("anna", "client", "1", "erased"),
        ("the service itself", "client", "1", TRACES_ERASED),
    ]
    assert all(one.before is one.after is None for one in services.audit.records)
    with pytest.raises(NotFound):
        erase_client(services, 1, author(services))


def test_the_number_of_a_person_who_had_not_opted_out_can_be_registered_again(services: Any) -> None:
    erase_client(services, 1, author(services))
    assert register_client(services, {"phone_number": PHONE}).id == 2


def test_the_number_of_a_person_who_had_opted_out_is_refused_everywhere_until_it_is_readmitted(services: Any) -> None:
    opt_out_client(services, 1, author(services))
    assert erase_client(services, 1, author(services)).is_stopped
    register_client(services, {"phone_number": OTHER})
    for attempt in (
        lambda: register_client(services, {"phone_number": PHONE}),
        lambda: change_client(services, 2, {"phone_number": PHONE}),
    ):
        with pytest.raises(BadInput, match="opted out, and the data was erased"):
            attempt()
    with pytest.raises(BadInput, match="on the stop list"):
        send_test_message(services, PHONE, "hello", author(services))
    readmit_phone(services, PHONE, author(services))
    assert register_client(services, {"phone_number": PHONE}).opted_out_at is None
    with pytest.raises(BadInput, match="not refused"):
        readmit_phone(services, PHONE, author(services))


def test_an_import_refuses_the_number_and_does_not_keep_its_row(services: Any) -> None:
    opt_out_client(services, 1, author(services))
    erase_client(services, 1, author(services))
    content = f"phone_number;tag;attributes.name\n{PHONE};vip;Анна\n{OTHER};vip;Олег\n".encode()
    one = import_content(services, content, check_content(content, ""), "", author(services))
    assert process_import(services, one.id, lambda: 60.0)
    tally = services.imports.rows[one.id].tally
    assert (tally.added, tally.refused) == (1, 1)
    [row], _ = list_refused(services, one.id, 0, 9)
    assert (row.number, set(row.cells.values()), list(row.errors)) == (2, {"***"}, ["phone_number"])


def test_a_number_without_a_client_loses_its_place_on_the_stop_list_and_stays_refused(services: Any) -> None:
    opt_out_client(services, 1, author(services))
    delete_client(services, 1, author(services))
    for _ in range(2):
        erased = erase_phone(services, PHONE, author(services))
        assert (erased.client_id, erased.is_stopped) == (None, True)
        finish(services)
    assert PHONE not in services.clients.stops
    with pytest.raises(BadInput):
        register_client(services, {"phone_number": PHONE})
    assert not erase_phone(services, OTHER, author(services)).is_stopped
    assert PHONE not in repr(services.audit.records)
    assert {what for _, what, _, _ in actions(services)[2:]} == {"phone"}


def test_a_phone_number_erases_its_client(services: Any) -> None:
    assert erase_phone(services, PHONE, author(services)).client_id == 1
    assert services.clients.rows == {}


def test_the_job_has_no_phone_number_and_begins_when_senders_have_settled(services: Any) -> None:
    erase_client(services, 1, author(services))
    assert services.jobs_queue.receive(9) == []
    services.clock.time += timedelta(seconds=SECONDS_TO_SETTLE)
    [message] = services.jobs_queue.receive(9)
    assert from_body(message.body) == EraseTraces("client#1")
    assert PHONE not in message.body


def test_refused_rows_are_cleaned_in_pages_and_the_job_goes_on_where_it_stopped(
    services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "REFUSED_PAGE", 10)
    now = services.clock.now()
    form = FileFormat("utf-8", ";", ("phone_number", "tag"), 17)
    for import_id in (1, 3):
        one = ClientImport(import_id, "key", "v1", "a.csv", form, now, now, 17, status=FINISHED)
        services.imports.add(one)
        rows = [RefusedRow(number, {"phone_number": PHONE if number % 2 else OTHER}, {}) for number in range(2, 40)]
        services.imports.add_refused(one, rows)
    services.counters.ids["import_id"] = 250
    erase_client(services, 1, author(services))
    runs = 0
    while services.erasures.open():
        times = iter([60.0, 60.0])
        erase_traces(services, "client#1", lambda times=times: next(times, 0.0))  # type: ignore[misc]
        runs += 1
    assert 4 < runs < 12
    for import_id in (1, 3):
        cells = [row.cells["phone_number"] for row in services.imports.refused_rows[import_id].values()]
        assert cells == ["***" if number % 2 else OTHER for number in range(2, 40)]


def test_a_repetition_for_a_number_without_a_client_leaves_the_progress_of_the_first_one(
    services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "REFUSED_PAGE", 10)
    now = services.clock.now()
    form = FileFormat("utf-8", ";", ("phone_number", "tag"), 17)
    one = ClientImport(1, "key", "v1", "a.csv", form, now, now, 17, status=FINISHED)
    services.imports.add(one)
    services.imports.add_refused(one, [RefusedRow(number, {"phone_number": OTHER}, {}) for number in range(2, 40)])
    services.counters.ids["import_id"] = 1
    for _ in range(9):  # more often than an erasure ends
        erase_phone(services, OTHER, author(services))
        services.clock.time += timedelta(seconds=1)
        for erasure in services.erasures.open():
            times = iter([60.0])
            erase_traces(services, erasure.name, lambda times=times: next(times, 0.0))  # type: ignore[misc]
    assert {row.cells["phone_number"] for row in services.imports.refused_rows[1].values()} == {"***"}
    assert [action for _, what, _, action in actions(services) if what == "phone"].count(TRACES_ERASED) >= 4
    finish(services)
    assert [action for _, what, _, action in actions(services) if what == "phone"].count(TRACES_ERASED) == 9


def test_a_stalled_erasure_is_queued_again_once_in_ten_minutes(services: Any) -> None:
    erase_client(services, 1, author(services))
    for name in list(services.jobs_queue.messages):
        services.jobs_queue.lose(name)
    queued = []
    for _ in range(25):
        queued.append(requeue_stalled(services))
        services.clock.time += timedelta(minutes=1)
    assert sum(queued) == 2


def test_an_erasure_that_is_finished_or_unknown_is_done(services: Any) -> None:
    assert erase_traces(services, "client#77", lambda: 60.0)


def test_a_client_that_changes_at_the_same_moment_is_erased_as_it_is_then(services: Any) -> None:
    real = services.clients.get
    changed = iter([True])

    def changing(client_id: int) -> Any:
        client = real(client_id)
        if next(changed, False):
            services.clients.change(client, replace(client, tag="new"))
        return client

    services.clients.get = changing
    erase_client(services, 1, author(services))
    assert services.clients.rows == {}


INVALID = f"phone_number;timezone\n{PHONE};Nowhere/Here\n{OTHER};UTC\n"


def begun(services: Any, text: str) -> ClientImport:
    content = text.encode()
    return import_content(services, content, check_content(content, ""), "", author(services))


def refused_cells(services: Any, client_import: ClientImport) -> list[list[str]]:
    return [list(row.cells.values()) for row in services.imports.refused_rows[client_import.id].values()]


def test_the_traces_in_a_running_import_are_erased_when_it_has_ended(services: Any) -> None:
    one = begun(services, INVALID)
    erase_client(services, 1, author(services))
    finish(services)
    assert services.erasures.open(), "the import may still refuse rows of the person"
    assert process_import(services, one.id, lambda: 60.0)
    services.clock.time += timedelta(minutes=11)
    assert requeue_stalled(services) == 1
    finish(services)
    assert services.erasures.open() == []
    assert refused_cells(services, one) == [["***", "***"]]


def test_a_row_with_the_number_has_no_cells_whatever_it_is_refused_for(services: Any) -> None:
    opt_out_client(services, 1, author(services))
    erase_client(services, 1, author(services))
    finish(services)
    one = begun(services, INVALID)
    assert process_import(services, one.id, lambda: 60.0)
    assert refused_cells(services, one) == [["***", "***"]]


def test_a_client_that_opted_out_and_is_erased_while_an_import_reads_is_not_registered_again(services: Any) -> None:
    opt_out_client(services, 1, author(services))
    one, find = begun(services, f"phone_number\n{PHONE}\n"), services.clients.find_many

    def erase_first(phones: Any) -> Any:
        erase_client(services, 1, author(services))
        services.clients.find_many = find
        return find(phones)

    services.clients.find_many = erase_first
    assert process_import(services, one.id, lambda: 60.0)
    assert services.clients.rows == {}


@pytest.mark.parametrize("is_stop", [False, True], ids=["new", "opted out by the file"])
def test_a_client_that_is_erased_between_an_import_s_check_and_its_write_is_not_registered_again(
    services: Any, is_stop: bool
) -> None:
    opt_out_client(services, 1, author(services))
    head = "phone_number;opted_out_at" if is_stop else "phone_number;tag"
    text = f"{head}\n{PHONE};2026-01-01\n{OTHER};2026-01-01\n"
    one, check = begun(services, text), services.clients.erased_among

    def erase_afterwards(phones: Any) -> Any:
        services.clients.erased_among = check
        erase_phone(services, PHONE, author(services))
        return set()

    delete_client(services, 1, author(services))  # its place on the stop list stays
    services.clients.erased_among = erase_afterwards
    assert process_import(services, one.id, lambda: 60.0)
    assert [client.phone_number for client in services.clients.rows.values()] == [OTHER]
    tally = services.imports.get(one.id).tally
    assert (tally.added, tally.refused) == (1, 1)


def test_an_erasure_that_ends_during_the_sweep_does_not_delay_the_others(services: Any) -> None:
    register_client(services, {"phone_number": OTHER})
    for number in (1, 2):
        erase_client(services, number, author(services))
    services.clock.time += timedelta(minutes=11)
    find_open = services.erasures.open

    def ending() -> Any:
        found = find_open()
        services.erasures.rows.pop(found[-1].name)
        return found

    services.erasures.open = ending
    assert requeue_stalled(services) == 1
