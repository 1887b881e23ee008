"""An import of the stop list, and what a file of clients says about subscriptions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.clients import stop_import
from chalicelib.clients.import_worker import process_import
from chalicelib.clients.imports import check_content, import_content, list_refused, start_checked
from chalicelib.clients.registry import OPTED_OUT, opt_out_client, register_client
from chalicelib.clients.stop_list import get_stop, list_stops, stop_number
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client_import import CLIENTS, STOP_LIST
from chalicelib.domain.phone_digest import phone_digest
from chalicelib.domain.stop import Stop, StopCause
from chalicelib.errors import BadInput
from infra.local.doubles.fakes import FakeServices

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def services() -> Any:
    return FakeServices()


def author(services: Any) -> Author:
    return Author("anna", services.clock.now(), 0.5)


def imported(services: Any, text: str, kind: str = STOP_LIST) -> dict[str, int]:
    content = text.encode()
    form = check_content(content, "a.csv", kind=kind)
    one = import_content(services, content, form, "a.csv", author(services), kind=kind)
    assert process_import(services, one.id, lambda: 60.0)
    found = services.imports.rows[one.id]
    assert found.status == "finished", found
    return {name: number for name, number in asdict(found.tally).items() if number}


def test_numbers_with_and_without_a_client_are_stopped_with_times_and_reasons(services: Any) -> None:
    register_client(services, {"phone_number": "79770000001"})
    file = """phone_number;opted_out_at;reason;source;client_id
79770000001;2026-01-02T03:04:05Z;asked by phone;console;7
79770000002;2026-01-02T03:04:05Z;a letter;api;
8 (977) 000-00-03;;;;
"""
    assert imported(services, file) == {"added": 3, "opted_out": 3, "normalized": 1}
    assert get_stop(services, "79770000001") == Stop("79770000001", SINCE, "import", "asked by phone", 1)
    assert get_stop(services, "79770000002") == Stop("79770000002", SINCE, "import", "a letter")
    third = get_stop(services, "79770000003")
    assert (third.source, third.reason) == ("import", None)
    assert third.opted_out_at.replace(microsecond=0) == services.clock.now().replace(microsecond=0)
    assert services.clients.get(1).opted_out_at == SINCE
    records = [record for record in services.audit.records if record.action == OPTED_OUT]
    assert sorted((record.what, record.who) for record in records) == [("client", "anna"), *2 * [("phone", "anna")]]
    assert {(record.after or {}).get("reason") for record in records} == {"asked by phone", "a letter", None}
    assert imported(services, file) == {"unchanged": 3, "opted_out": 3, "normalized": 1}
    assert len([record for record in services.audit.records if record.action == OPTED_OUT]) == 3


def test_a_number_that_is_on_the_list_or_twice_in_the_file_keeps_its_first_stop(services: Any) -> None:
    stop_number(services, "79770000001", StopCause("api", "first"), author(services))
    register_client(services, {"phone_number": "79770000002"})
    opt_out_client(services, 1)
    before = get_stop(services, "79770000001"), get_stop(services, "79770000002")
    rows = "79770000001;later\n79770000002;later\n79770000003;first\n79770000003;later\n"
    assert imported(services, f"phone_number;reason\n{rows}") == {"added": 1, "unchanged": 3, "opted_out": 4}
    assert before == (get_stop(services, "79770000001"), get_stop(services, "79770000002"))
    assert get_stop(services, "79770000003").reason == "first"


def test_wrong_rows_are_refused_with_reasons_and_an_erased_number_without_its_cells(services: Any) -> None:
    digest = phone_digest(services.phone_key.value(), "79770000009")
    services.clients.erased[digest] = SINCE
    rows = "7977;;\n79770000001;yesterday;\n79770000002;;call 89770000005\n79770000009;;\n79770000003;;\n"
    assert imported(services, f"phone_number;opted_out_at;reason\n{rows}") == {"added": 1, "refused": 4, "opted_out": 1}
    refused, _ = list_refused(services, 1, 0, 9)
    assert [(row.number, *row.errors) for row in refused] == [
        (2, "phone_number"),
        (3, "opted_out_at"),
        (4, "reason"),
        (5, "phone_number"),
    ]
    assert set(refused[3].cells.values()) == {"***"}


@pytest.mark.parametrize("head", ["opted_out_at;reason", "phone_number;tag", "phone_number;attributes.имя"])
def test_a_file_with_other_columns_is_refused_as_a_whole(head: str) -> None:
    with pytest.raises(BadInput):
        check_content(f"{head}\n79770000001;x\n".encode(), "a.csv", kind=STOP_LIST)


def test_others_who_write_the_same_numbers_meanwhile_change_the_counts_only(services: Any) -> None:
    for number in (3, 4):
        register_client(services, {"phone_number": f"7977000000{number}"})
    find_many = services.clients.find_many

    def find_then_others(phones: Any) -> Any:
        found = find_many(phones)
        register_client(services, {"phone_number": "79770000001"})
        stop_number(services, "79770000002", StopCause("recipient"), author(services))
        services.clients.erased[phone_digest(services.phone_key.value(), "79770000005")] = SINCE
        opt_out_client(services, 1, author(services))
        return found

    services.clients.find_many = find_then_others
    erased_among = services.clients.erased_among
    services.clients.erased_among = lambda _: set()
    add_many = services.stop_list.add_many

    def add_with_the_real_check(*given: Any) -> None:
        services.clients.erased_among = erased_among
        add_many(*given)

    services.stop_list.add_many = add_with_the_real_check
    rows = "".join(f"7977000000{number}\n" for number in range(1, 7))
    assert imported(services, f"phone_number\n{rows}") == {"added": 3, "unchanged": 2, "refused": 1, "opted_out": 5}
    assert get_stop(services, "79770000001").client_id == 3
    assert get_stop(services, "79770000002").source == "recipient"
    fourth = get_stop(services, "79770000004")
    assert (fourth.client_id, fourth.source) == (2, "import")


def test_stops_are_written_in_groups_of_one_reason(services: Any) -> None:
    for number in range(40):
        register_client(services, {"phone_number": f"79{number:09d}"})
    sizes, change_many, add_many = [], services.clients.change_many, services.stop_list.add_many

    def counted(write: Any, kind: str) -> Any:
        def write_counted(items: Any, *others: Any) -> None:
            sizes.append((kind, len(items)))
            write(items, *others)

        return write_counted

    services.clients.change_many = counted(change_many, "client")
    services.stop_list.add_many = counted(add_many, "number")
    rows = "".join(f"79{number:09d};{'b' if number == 7 else 'a'}\n" for number in range(90))
    assert imported(services, f"phone_number;reason\n{rows}") == {"added": 90, "opted_out": 90}
    assert sizes == [("number", 33), ("number", 17), ("client", 33), ("client", 6), ("client", 1)]
    assert stop_import.GROUP * 3 <= 100


def test_a_dry_run_counts_and_stops_nobody_and_its_file_can_then_be_imported(services: Any) -> None:
    register_client(services, {"phone_number": "79770000001"})
    content = b"phone_number;reason\n79770000001;letter\n8 977 000-00-02;\n7977;\n"
    form = check_content(content, "a.csv", kind=STOP_LIST)
    import_content(services, content, form, "a.csv", author(services), is_dry_run=True, kind=STOP_LIST)
    assert process_import(services, 1, lambda: 60.0)
    counts = services.imports.rows[1].tally
    assert (counts.added, counts.refused, counts.normalized) == (2, 1, 1)
    assert list_stops(services, None, 9) == ([], None)
    assert services.clients.get(1).opted_out_at is None
    started = start_checked(services, 1, author(services))
    assert (started.kind, started.is_dry_run) == (STOP_LIST, False)
    assert process_import(services, 2, lambda: 60.0)
    assert services.imports.rows[2].tally == counts
    assert get_stop(services, "79770000001").reason == "letter"


STATUSES = """phone_number;status
79770000001;unsubscribed
79770000002;Opted_Out
79770000003;subscribed
79770000004;
79770000005;отписан
79770000006;maybe
"""


def test_clients_whose_file_says_unsubscribed_are_opted_out(services: Any) -> None:
    register_client(services, {"phone_number": "79770000002"})
    register_client(services, {"phone_number": "79770000003"})
    opt_out_client(services, 2)
    counts = {"added": 3, "changed": 1, "unchanged": 1, "refused": 1, "opted_out": 3}
    assert imported(services, STATUSES, CLIENTS) == counts
    stopped = {one.phone_number for one in services.clients.rows.values() if one.opted_out_at}
    assert stopped == {f"7977000000{number}" for number in (1, 2, 3, 5)}, "no word takes a client off the list"
    assert get_stop(services, "79770000001").source == "import"
    ((row,), _) = list_refused(services, 1, 0, 9)
    assert list(row.errors) == ["status"]


def test_the_time_of_the_file_counts_and_a_stop_outdoes_the_word_subscribed(services: Any) -> None:
    rows = "79770000001;unsubscribed;2026-01-02T03:04:05Z\n79770000002;subscribed;2026-01-02T03:04:05Z\n"
    assert imported(services, f"phone_number;Статус;opted_out_at\n{rows}", CLIENTS) == {"added": 2, "opted_out": 2}
    assert {one.opted_out_at for one in services.clients.rows.values()} == {SINCE}
