"""An import of clients, from the file to the counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.clients.import_lease import SECONDS_FOR_A_CHUNK
from chalicelib.clients.import_worker import process_import, run_import
from chalicelib.clients.imports import check_content, import_content, import_file, list_refused
from chalicelib.clients.listing import list_clients
from chalicelib.clients.registry import delete_client, opt_out_client, register_client
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client import Client
from chalicelib.domain.client_import import ClientImport, Tally
from chalicelib.domain.client_search import ClientFilter
from chalicelib.domain.job_bodies import from_body
from chalicelib.domain.jobs import BUSY_SECONDS, FollowMovedClients, ImportClients
from chalicelib.domain.walk import BEGINNING
from chalicelib.errors import BadInput, ImportBusy, NotFound, NotWritten
from chalicelib.texts import Text
from infra.local.doubles.fakes import FakeServices
from tests.workbooks import HEADER, with_sheet, workbook_of


@pytest.fixture
def services() -> Any:
    return FakeServices()


def author(services: Any) -> Author:
    return Author("anna", services.clock.now(), 0.5)


def begun(services: Any, text: str, **chosen: str) -> ClientImport:
    content = text.encode()
    return import_content(services, content, check_content(content, "a.csv", chosen), "a.csv", author(services))


def imported(services: Any, text: str, **chosen: str) -> dict[str, int]:
    one = begun(services, text, **chosen)
    assert process_import(services, one.id, lambda: 60.0)
    return tally(services, one.id)


def tally(services: Any, import_id: int = 1) -> dict[str, int]:
    one = services.imports.rows[import_id]
    assert one.status == "finished", one
    found = asdict(one.tally)
    assert one.tally.rows == sum(found.values()) - one.tally.opted_out - one.tally.normalized
    return {name: number for name, number in found.items() if number}


def many(number: int, tag: str = "a") -> str:
    return "phone_number;tag\n" + "".join(f"79{index:09d};{tag}\n" for index in range(number))


def clients_of(services: Any) -> list[tuple[str, str | None, str]]:
    return [(one.phone_number, one.tag, one.timezone) for one in services.clients.rows.values()]


def test_new_clients_are_added_with_consecutive_ids(services: Any) -> None:
    assert imported(services, "phone_number,tag,timezone\n79770000001,vip,Asia/Omsk\n79770000002,,UTC\n") == {
        "added": 2
    }
    now = services.clock.now()
    assert services.clients.rows == {
        1: Client(1, "79770000001", "vip", "Asia/Omsk", registered_at=now),
        2: Client(2, "79770000002", registered_at=now),
    }
    assert services.counters.last_id("client_id") == 2


def test_a_repeated_import_of_many_chunks_changes_nothing(services: Any) -> None:
    assert imported(services, many(1234)) == {"added": 1234}
    before = dict(services.clients.rows)
    assert list(before) == list(range(1, 1235))
    assert imported(services, many(1234)) == {"unchanged": 1234}
    assert services.clients.rows == before
    assert services.counters.last_id("client_id") == 1234
    assert imported(services, many(1234, tag="b")) == {"changed": 1234}


def test_an_absent_column_leaves_the_field_and_a_blank_tag_means_none(services: Any) -> None:
    imported(services, "phone_number;tag;timezone\n79770000001;vip;Asia/Omsk\n79770000002;vip;Asia/Omsk\n")
    assert imported(services, "phone_number\n79770000001\n") == {"unchanged": 1}
    assert imported(services, "phone_number;tag\n79770000001;\n") == {"changed": 1}
    assert imported(services, "phone_number;timezone\n79770000002;UTC\n") == {"changed": 1}
    assert clients_of(services) == [("79770000001", None, "Asia/Omsk"), ("79770000002", "vip", "UTC")]


def test_phone_numbers_are_imported_as_people_write_them_and_the_rewritten_ones_are_counted(services: Any) -> None:
    text = "phone_number;tag\n+7 (903) 100-00-00;a\n8 903 100-00-01;a\n79031000002;a\n'+79031000003;a\n"
    assert imported(services, text) == {"added": 4, "normalized": 3}
    assert [client[0] for client in clients_of(services)] == [f"7903100000{number}" for number in range(4)]
    assert imported(services, text) == {"unchanged": 4, "normalized": 3}
    assert imported(services, "phone_number\n79031000000\n8 (903) 1000000\n8 (903) 10000\n") == {
        "unchanged": 2,
        "refused": 1,
        "normalized": 1,
    }


def test_a_number_that_a_spreadsheet_has_rounded_is_refused_with_the_reason(services: Any) -> None:
    assert imported(services, "phone_number\n7.977E+10\n") == {"refused": 1}
    ((row,), _) = list_refused(services, 1, 0, 9)
    assert row.errors == {"phone_number": [Text("client.phone_rounded")]}


def test_columns_are_known_by_other_names_and_the_rest_as_a_person_says(services: Any) -> None:
    text = "Телефон;Имя;Заметка;TAG\n8 (977) 000-00-01;Анна;;a\n7;Яна;x;b\n"
    chosen = {"Имя": "attributes.имя", "Заметка": ""}
    assert imported(services, text, **chosen) == {"added": 1, "refused": 1, "normalized": 1}
    now = services.clock.now()
    assert services.clients.rows == {1: Client(1, "79770000001", "a", attributes={"имя": "Анна"}, registered_at=now)}
    ((row,), _) = list_refused(services, 1, 0, 9)
    assert row.cells == {"Телефон": "7", "Имя": "Яна", "Заметка": "x", "TAG": "b"}
    with pytest.raises(BadInput) as refused:
        begun(services, text)
    assert list(refused.value.fields) == ["Имя", "Заметка"]


def test_a_workbook_in_the_bucket_is_imported_in_turns(services: Any) -> None:
    rows = [(79770000000 + number, "vip") for number in range(700)]
    services.import_files.put("a.xlsx", workbook_of(("Телефон", "Тег"), *rows, (7, "x")))
    one = import_file(services, "a.xlsx", "a.xlsx", author(services))
    assert (one.form.encoding, one.offset, one.row) == ("xlsx", 1, 1)
    turns = 0
    while not process_import(services, one.id, iter([60.0, 60.0, 0.0]).__next__):
        turns += 1
    assert turns > 1
    assert tally(services) == {"added": 700, "refused": 1}
    assert [row.number for row in list_refused(services, 1, 0, 9)[0]] == [702]


def test_a_workbook_that_turns_out_damaged_ends_its_import_with_the_reason(services: Any) -> None:
    rows = "".join(f'<row><c t="inlineStr"><is><t>{79770000000 + number}</t></is></c></row>' for number in range(300))
    services.import_files.put("a.xlsx", with_sheet(HEADER + rows + '<row r="7"/>'))
    one = import_file(services, "a.xlsx", "", author(services))
    assert process_import(services, one.id, lambda: 60.0)
    ended = services.imports.rows[one.id]
    assert (ended.status, ended.tally.added) == ("failed", 250)
    assert ended.detail == Text("import.stopped", row=251, reason=Text("file.not_a_workbook"))


def test_a_workbook_that_was_replaced_ends_its_import(services: Any) -> None:
    services.import_files.put("a.xlsx", workbook_of(("Телефон",), (79770000001,)))
    one = import_file(services, "a.xlsx", "", author(services))
    services.import_files.put("a.xlsx", workbook_of(("Телефон",), (79770000002,)))
    assert process_import(services, one.id, lambda: 60.0)
    assert (services.imports.rows[1].detail, services.clients.rows) == (Text("file.gone"), {})


def test_a_dry_run_of_many_chunks_writes_no_client(services: Any) -> None:
    register_client(services, {"phone_number": "79000000001", "tag": "a"})
    before = dict(services.clients.rows), services.counters.last_id("client_id")
    content = (many(600) + "7;\n").encode()
    form = check_content(content, "")
    one = import_content(services, content, form, "", author(services), is_dry_run=True)
    assert process_import(services, one.id, lambda: 60.0)
    assert tally(services) == {"added": 599, "unchanged": 1, "refused": 1}
    assert (dict(services.clients.rows), services.counters.last_id("client_id")) == before
    assert services.labels.rows == {("operator_code", "900"), ("tag", "a")}


def test_refused_rows_are_kept_as_typed_with_reasons(services: Any) -> None:
    text = 'phone_number;tag;timezone\n;a,b;Mars\n\n;;\n79770000001;=1;UTC;x\n79770000002;a\n79770000003;"a\n'
    text += "79770000004;ok;UTC\n"
    assert imported(services, text) == {"added": 1, "refused": 4}
    rows, rest = list_refused(services, 1, 0, 100)
    assert rest is None
    assert [row.number for row in rows] == [2, 5, 6, 7]
    assert rows[0].cells == {"phone_number": "", "tag": "a,b", "timezone": "Mars"}
    assert set(rows[0].errors) == {"phone_number", "tag", "timezone"}
    assert rows[1].cells == {"phone_number": "79770000001", "tag": "=1", "timezone": "UTC", "(more)": "x"}
    assert rows[1].errors == {"non_field_errors": [Text("row.cells", cells=4, columns=3)]}
    assert rows[3].cells == {"phone_number": '79770000003;"a'}


def test_the_last_row_of_a_repeated_phone_number_applies(services: Any) -> None:
    text = "phone_number;tag\n79770000001;a\n79770000001;b\n79770000001;b\n"
    assert imported(services, text) == {"added": 1, "changed": 1, "unchanged": 1}
    assert clients_of(services) == [("79770000001", "b", "UTC")]


def test_read_only_columns_are_ignored_so_an_export_can_be_imported(services: Any) -> None:
    text = "id;phone_number;operator_code;tag;timezone;reason\n77;79770000001;123;'=a;UTC;none\n"
    assert imported(services, text) == {"added": 1}
    assert services.clients.rows == {1: Client(1, "79770000001", "=a", registered_at=services.clock.now())}


def own(services: Any) -> list[dict[str, str]]:
    return [dict(client.attributes) for _, client in sorted(services.clients.rows.items())]


def test_an_attribute_column_changes_only_that_attribute(services: Any) -> None:
    text = "phone_number;attributes.имя;attributes.город\n79770000001;Анна;Омск\n79770000002;;Омск\n"
    assert imported(services, text) == {"added": 2}
    assert own(services) == [{"имя": "Анна", "город": "Омск"}, {"город": "Омск"}]
    assert services.labels.read("attribute", 9) == ["город", "имя"]
    assert imported(services, text) == {"unchanged": 2}
    assert imported(services, "phone_number;tag\n79770000001;a\n") == {"changed": 1}
    assert imported(services, "phone_number;attributes.код\n79770000001;7\n79770000002;\n") == {
        "changed": 1,
        "unchanged": 1,
    }
    assert imported(services, "attributes.имя;phone_number\n;79770000001\nЯна;79770000002\n") == {"changed": 2}
    assert own(services) == [{"город": "Омск", "код": "7"}, {"город": "Омск", "имя": "Яна"}]


def test_a_row_that_would_give_a_client_too_many_attributes_is_refused(services: Any) -> None:
    for email in "ab":
        names = [f"{email}{number}" for number in range(11 - (email == "b"))]
        columns = ";".join(f"attributes.{name}" for name in names)
        rows = f"79770000001;{';'.join(names)}\n79770000002{';' * len(names)}\n79770000003;{';'.join(names)}\n"
        found = imported(services, f"phone_number;{columns}\n{rows}")
        assert found == ({"added": 3} if email == "a" else {"refused": 2, "unchanged": 1})
    rows, _ = list_refused(services, 2, 0, 9)
    assert [(row.number, row.cells["phone_number"]) for row in rows] == [(2, "79770000001"), (4, "79770000003")]
    assert rows[0].errors == {"attributes": [Text("attributes.too_many", most=20)]}
    assert [len(found) for found in own(services)] == [11, 0, 11]


def test_an_invalid_attribute_value_refuses_its_row_and_an_invalid_name_the_file(services: Any) -> None:
    text = f"phone_number;attributes.имя\n79770000001;{'я' * 256}\n79770000002;Анна\n"
    assert imported(services, text) == {"added": 1, "refused": 1}
    for name in ("имя", "attributes", "attributes.", "attributes.first name", "attributes.tag"):
        with pytest.raises(BadInput, match="Unknown column"):
            begun(services, f"phone_number;{name}\n")


def test_an_opted_out_client_stays_opted_out_after_repeated_imports(services: Any) -> None:
    imported(services, many(60))
    since = opt_out_client(services, 7).opted_out_at
    delete_client(services, opt_out_client(services, 8).id)
    text = many(60, "b").replace(";", ";;").replace("phone_number;;tag", "phone_number;opted_out_at;tag")
    assert imported(services, text) == {"added": 1, "changed": 59}
    assert {one.id: one.opted_out_at for one in services.clients.rows.values() if one.opted_out_at} == {
        7: since,
        61: since,
    }


def test_cells_beyond_the_last_column_are_ignored_if_blank(services: Any) -> None:
    text = "phone_number;tag;\n79770000001;a;\n79770000002;b\n79770000003;c; ;\n79770000004;d;x\n79770000005\n"
    assert imported(services, text) == {"added": 3, "refused": 2}
    rows, _ = list_refused(services, 1, 0, 9)
    assert [row.cells.get("(more)") for row in rows] == ["x", None]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1251", "utf-8"])
def test_a_file_in_another_format_is_imported_to_the_same_values_chunk_by_chunk(services: Any, encoding: str) -> None:
    rows = "".join(f"79{index:09d}\tдрузья{index}\r" for index in range(600))
    content = f"sep=\t\rphone_number\ttag\r{rows}".encode(encoding)
    form = check_content(content, "a.csv")
    import_content(services, content, form, "a.csv", author(services))
    while services.imports.rows[1].status == "running":
        run_import(services, ImportClients(1), iter([60.0, 60.0, 1.0]).__next__)
    assert tally(services) == {"added": 600}
    assert [one[:2] for one in clients_of(services)] == [(f"79{n:09d}", f"друзья{n}") for n in range(600)]


STOPS = """phone_number;tag;opted_out_at
79770000001;a;2026-01-02T03:04:05Z
79770000002;b;2026-01-02 03:04:05+03:00
79770000003;a;2026-01-02T03:04:05Z
79770000004;a;
79770000005;a;2026-01-02T03:04:05Z
79770000006;a;
"""
SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_clients_with_a_stop_in_the_file_are_opted_out_and_no_stop_ends(services: Any) -> None:
    """Known: 2 without a stop, 3 and 4 with one. Of 5 and 6, which were deleted, the stop remained."""
    for number in range(2, 7):
        register_client(services, {"phone_number": f"7977000000{number}", "tag": "a"})
    own = opt_out_client(services, 2).opted_out_at
    for client_id in (3, 4, 5):
        opt_out_client(services, client_id)
    for client_id in (4, 5):
        delete_client(services, client_id)
    found = imported(services, STOPS)
    assert found == {"added": 3, "changed": 1, "unchanged": 2, "opted_out": 4}
    assert {one.phone_number[-1]: one.opted_out_at for one in services.clients.rows.values()} == {
        "1": SINCE,
        "2": SINCE - timedelta(hours=3),
        **dict.fromkeys("3456", own),
    }
    assert imported(services, STOPS) == {"unchanged": 6, "opted_out": 4}
    records = [(one.who, one.id, one.action) for one in services.audit.records if one.what == "client"]
    assert sorted(records) == [("anna", "1", "opted out"), ("anna", "6", "opted out")]


def test_a_later_row_without_a_stop_does_not_end_the_stop_of_an_earlier_row(services: Any) -> None:
    text = "phone_number;opted_out_at\n79770000001;2026-01-02T03:04:05Z\n79770000001;\n"
    assert imported(services, text) == {"added": 1, "unchanged": 1, "opted_out": 1}
    assert services.clients.rows[1].opted_out_at == SINCE


def test_a_row_with_an_invalid_time_of_a_stop_is_refused(services: Any) -> None:
    assert imported(services, "phone_number;opted_out_at\n79770000001;yes\n") == {"refused": 1}
    ((row,), _) = list_refused(services, 1, 0, 9)
    assert list(row.errors) == ["opted_out_at"]


def test_an_opt_out_during_an_import_is_kept(services: Any) -> None:
    add_many = services.clients.add_many

    def stop_first(clients: list[Client], *others: Any) -> None:
        services.clients.add_many = add_many
        services.clients.stops[clients[3].phone_number] = services.clock.now()
        add_many(clients, *others)

    services.clients.add_many = stop_first
    assert imported(services, many(10)) == {"added": 10}
    assert [one.id for one in services.clients.rows.values() if one.opted_out_at] == [4]


def test_a_file_without_rows_is_finished_with_no_clients(services: Any) -> None:
    assert imported(services, "phone_number") == {}
    assert imported(services, "phone_number\n\n") == {}


def test_an_import_leaves_one_audit_record(services: Any) -> None:
    imported(services, many(3))
    (record,) = services.audit.records
    assert (record.who, record.what, record.id, record.action) == ("anna", "import", "1", "made")
    assert record.after == {"id": 1, "file_name": "a.csv"}


def test_without_time_the_job_returns_and_continues_from_the_cursor(services: Any) -> None:
    begun(services, many(600))
    assert run_import(services, ImportClients(1), iter([60.0, 60.0, SECONDS_FOR_A_CHUNK - 1]).__next__) == 0
    assert len(services.clients.rows) == 250
    assert services.imports.rows[1].tally.added == 250
    assert run_import(services, ImportClients(1), lambda: 60.0) is None
    assert tally(services) == {"added": 600}
    assert run_import(services, ImportClients(1), lambda: 60.0) is None


def test_an_import_is_leased_to_one_worker(services: Any) -> None:
    begun(services, many(10))
    services.imports.lease(1, services.clock.now(), services.clock.now().replace(hour=13))
    assert run_import(services, ImportClients(1), lambda: 60.0) == BUSY_SECONDS
    with pytest.raises(ImportBusy):
        process_import(services, 1, lambda: 60.0)


def test_a_worker_whose_lease_has_ended_changes_nothing(services: Any) -> None:
    """Two workers at once. The lease of the slower one ends during its work. Together they add every client once."""
    begun(services, many(2000))
    lasting = services.imports.lease

    def without_waiting(import_id: int, now: Any, until: Any, status: str) -> ClientImport:
        return lasting(import_id, now, now, status)

    services.imports.lease = without_waiting
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: run_import(services, ImportClients(1), lambda: 60.0), range(4)))
    while services.imports.rows[1].status == "running":
        run_import(services, ImportClients(1), lambda: 60.0)
    assert tally(services) == {"added": 2000}
    assert sorted(one[0] for one in clients_of(services)) == [f"79{index:09d}" for index in range(2000)]


def test_simultaneous_imports_of_the_same_clients_add_each_once(services: Any) -> None:
    for _ in range(3):
        begun(services, many(800))
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda number: run_import(services, ImportClients(number), lambda: 60.0), (1, 2, 3)))
    for number in (1, 2, 3):
        while services.imports.rows[number].status == "running":
            run_import(services, ImportClients(number), lambda: 60.0)
    assert len(services.clients.rows) == 800
    assert sum(tally(services, number).get("added", 0) for number in (1, 2, 3)) == 800


def test_clients_are_changed_and_opted_out_in_groups_each_with_its_record(services: Any) -> None:
    imported(services, many(120))
    before, sizes = services.clients.change_many, []

    def change_many(changes: list[Any], records: list[Any], *others: Any) -> None:
        sizes.append((len(changes), len(records)))
        before(changes, records, *others)

    services.clients.change_many = change_many
    tagged = "".join(f"79{index:09d};b;{'2026-01-02' if index < 40 else ''}\n" for index in range(120))
    begun(services, f"phone_number;tag;opted_out_at\n{tagged}")
    assert run_import(services, ImportClients(2), lambda: 60.0) is None
    assert tally(services, 2) == {"changed": 120, "opted_out": 40}
    assert sizes == [(50, 0), (30, 0), (33, 33), (7, 7)]
    assert sum(record.action == "opted out" for record in services.audit.records) == 40
    assert sum(client.opted_out_at is not None for client in services.clients.rows.values()) == 40


class Intruder:
    """Clients with another program that registers a phone number just before the import writes it."""

    def __init__(self, services: Any, phone: str) -> None:
        self.clients = services.clients
        self.services = services
        self.phone = phone

    def __getattr__(self, name: str) -> Any:
        return getattr(self.clients, name)

    def add_many(self, clients: list[Client], *others: Any) -> None:
        phone, self.phone = self.phone, ""
        if phone:
            self.clients.add(Client(9999, phone, "theirs", "Asia/Omsk"))
        self.clients.add_many(clients, *others)


def test_a_client_registered_meanwhile_is_opted_out_by_the_file(services: Any) -> None:
    services.clients = Intruder(services, "79000000003")
    rows = "".join(f"79{index:09d};2026-01-02T03:04:05Z\n" for index in range(5))
    with_plain = f"phone_number;opted_out_at\n79990000000;\n{rows}"
    assert imported(services, with_plain) == {"added": 5, "changed": 1, "opted_out": 5}
    assert services.clients.rows[9999] == Client(9999, "79000000003", "theirs", "Asia/Omsk", opted_out_at=SINCE)
    assert len([one for one in services.audit.records if one.action == "opted out"]) == 5


@pytest.mark.parametrize(("tag", "what"), [("a", "changed"), ("theirs", "unchanged")])
def test_a_phone_number_registered_meanwhile_is_a_known_client(services: Any, tag: str, what: str) -> None:
    services.clients = Intruder(services, "79000000003")
    assert imported(services, many(10, tag)) == {"added": 9, what: 1}
    assert services.clients.rows[9999] == Client(9999, "79000000003", tag, "Asia/Omsk")
    assert len(services.clients.rows) == 10


def test_a_client_changed_meanwhile_is_read_and_decided_again(services: Any) -> None:
    imported(services, many(5))
    begun(services, many(5, "b"))
    real, late = services.clients.change_many, []

    def change_many(changes: list[tuple[Client, Client]], *others: Any) -> None:
        if not late:
            late.append(real([(changes[2][0], replace(changes[2][0], timezone="Asia/Omsk"))]))
        real(changes, *others)

    services.clients.change_many = change_many
    assert run_import(services, ImportClients(2), lambda: 60.0) == BUSY_SECONDS
    assert sorted(one.tag for one in services.clients.rows.values()) == ["a", "b", "b", "b", "b"], "others are written"
    assert run_import(services, ImportClients(2), lambda: 60.0) is None
    assert tally(services, 2) == {"changed": 5}
    assert {one.tag for one in services.clients.rows.values()} == {"b"}
    assert "Asia/Omsk" in {one.timezone for one in services.clients.rows.values()}


def test_a_file_that_is_replaced_fails_the_import(services: Any) -> None:
    one = begun(services, many(600))
    run_import(services, ImportClients(1), iter([60.0, 60.0, 1.0]).__next__)
    services.import_files.put(one.key, many(700).encode())
    assert run_import(services, ImportClients(1), lambda: 60.0) is None
    failed = services.imports.rows[1]
    assert (failed.status, failed.tally.added) == ("failed", 250)
    assert "replaced" in str(failed.detail)


def test_a_file_in_the_bucket_is_imported_by_its_key(services: Any) -> None:
    services.import_files.put("a/clients.csv", many(3).encode())
    one = import_file(services, "a/clients.csv", "clients.csv", author(services))
    assert process_import(services, one.id, lambda: 60.0)
    assert tally(services) == {"added": 3}
    with pytest.raises(NotFound):
        import_file(services, "b.csv", "b.csv", author(services))


def test_a_job_without_its_import_is_dropped(services: Any) -> None:
    assert run_import(services, ImportClients(7), lambda: 60.0) is None


def test_the_sweep_queues_an_import_whose_job_was_lost(services: Any) -> None:
    begun(services, many(3))
    services.imports_queue.messages.clear()
    assert sweep(services)["import"] == 0
    services.clock.forward(301)
    assert sweep(services)["import"] == 1
    assert sweep(services)["import"] == 0, "the job is queued"
    (delivery,) = services.imports_queue.receive(1)
    assert from_body(delivery.body) == ImportClients(1)
    assert run_import(services, ImportClients(1), lambda: 60.0) is None
    services.imports_queue.delete([delivery.receipt_handle])
    services.clock.forward(301)
    assert sweep(services)["import"] == 0


def test_all_imported_clients_are_listed(services: Any) -> None:
    register_client(services, {"phone_number": "79990000000"})
    imported(services, many(300))
    found, _ = list_clients(services, ClientFilter(), BEGINNING, 1000)
    assert [client.id for client in found] == list(range(1, 302))


def test_a_throttled_table_delays_the_job_and_does_not_count_as_an_error(services: Any) -> None:
    begun(services, many(120))
    real, calls = services.clients.add_many, []

    def add_many(clients: list[Client], *others: Any) -> None:
        calls.append(clients)
        if len(calls) == 2:
            raise NotWritten
        real(clients, *others)

    services.clients.add_many = add_many
    assert run_import(services, ImportClients(1), lambda: 60.0) == BUSY_SECONDS
    assert run_import(services, ImportClients(1), lambda: 60.0) is None
    assert tally(services) == {"added": 120}
    assert sorted(services.clients.rows) == list(range(1, 121))


def test_a_time_zone_changed_by_an_import_queues_a_check_of_mailings_with_local_hours(services: Any) -> None:
    head = "phone_number;tag;timezone\n"
    imported(services, f"{head}79770000001;a;UTC\n79770000002;a;UTC\n")
    assert services.jobs_queue.messages == {}
    begun(services, f"{head}79770000001;b;UTC\n79770000002;a;Asia/Kamchatka\n79770000003;a;Asia/Kamchatka\n")
    assert process_import(services, 2, lambda: 60.0)
    (delivery,) = services.jobs_queue.messages.values()
    assert from_body(delivery.body) == FollowMovedClients((2,))


def failed(services: Any, text: str) -> ClientImport:
    one = begun(services, text)
    assert process_import(services, one.id, lambda: 60.0)
    ended: ClientImport = services.imports.rows[one.id]
    assert ended.status == "failed", ended
    return ended


def test_an_import_of_wrong_rows_stops_after_a_thousand_of_them(services: Any) -> None:
    good = "".join(f"79{index:09d};a\n" for index in range(200))
    ended = failed(services, "phone_number;tag\n" + good + "7\n" * 6000 + "79990000000;a\n")
    assert (ended.tally.added, ended.tally.refused, ended.row) == (200, 1050, 1251)
    assert len(services.imports.refused_rows[1]) == 1050
    assert len(services.clients.rows) == 200
    assert str(ended.detail).startswith("The import stopped after row 1251 of the file, because 1050 rows are refused.")
    assert run_import(services, ImportClients(1), lambda: 60.0) is None, "a repeated job changes nothing"
    assert services.imports.rows[1] == ended


def test_a_file_that_ends_with_its_thousandth_refused_row_is_finished(services: Any) -> None:
    assert imported(services, "phone_number;tag\n" + "7\n" * 1000) == {"refused": 1000}
    assert failed(services, "phone_number;tag\n" + "7\n" * 1001).tally.refused == 1000


def test_an_import_with_more_good_rows_than_refused_ones_goes_on(services: Any) -> None:
    rows = "".join(f"79{index:09d};a\n7\n" for index in range(2000))
    assert imported(services, f"phone_number;tag\n{rows}") == {"added": 2000, "refused": 2000}


@pytest.mark.parametrize(
    ("tally", "stops"),
    [
        (Tally(refused=999), False),
        (Tally(refused=1000), True),
        (Tally(added=400, changed=300, unchanged=300, refused=1000), False),
        (Tally(added=10**6, refused=99_999), False),
        (Tally(added=10**6, refused=100_000), True),
    ],
)
def test_an_import_stops_at_a_number_of_refused_rows(tally: Tally, stops: bool) -> None:
    assert tally.has_too_many_refused == stops
