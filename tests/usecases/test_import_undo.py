"""The undo of an import: what it takes back, what it leaves, and when it may be asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.clients.import_undo import begin_undo
from chalicelib.clients.import_worker import process_import
from chalicelib.clients.imports import check_content, import_content, list_kept
from chalicelib.clients.registry import (
    change_client,
    delete_client,
    opt_out_client,
    register_client,
    withdraw_consent,
)
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client import Client
from chalicelib.domain.client_import import Undo
from chalicelib.domain.job_bodies import from_body
from chalicelib.domain.jobs import FollowMovedClients
from chalicelib.errors import NotInThisStatus, NotWritten
from chalicelib.texts import Text
from infra.local.doubles.fakes import FakeServices

CHANGED, GONE = Text("undo.changed_since"), Text("undo.gone")
SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def services() -> Any:
    return FakeServices()


def author(services: Any) -> Author:
    return Author("anna", services.clock.now(), 0.5)


def imported(services: Any, text: str, is_dry_run: bool = False) -> int:
    content = text.encode()
    form = check_content(content, "")
    one = import_content(services, content, form, "", author(services), is_dry_run=is_dry_run)
    assert process_import(services, one.id, lambda: 60.0)
    return one.id


def undone(services: Any, import_id: int) -> tuple[int, int, int]:
    """The numbers of removed, restored and kept clients."""
    begin_undo(services, import_id, author(services))
    assert process_import(services, import_id, lambda: 60.0)
    one = services.imports.rows[import_id]
    assert one.status == "undone"
    assert services.imports.open_ids() == []
    assert isinstance(one.undo, Undo)
    return one.undo.removed, one.undo.restored, one.undo.kept


def add(services: Any, number: int, **fields: Any) -> Client:
    return register_client(services, {"phone_number": f"7977000000{number}", **fields})


def shown(services: Any) -> dict[int, Client]:
    """The clients without the time of their registration."""
    return {number: replace(client, registered_at=None) for number, client in services.clients.rows.items()}


def test_added_clients_are_removed_and_changed_fields_get_their_former_values(services: Any) -> None:
    before = add(services, 1, tag="old", timezone="Asia/Omsk", attributes={"имя": "Анна", "код": "7"})
    add(services, 2, tag="same")
    text = "phone_number;tag;timezone;attributes.имя;attributes.город\n79770000001;new;UTC;Яна;Омск\n"
    import_id = imported(services, text + "79770000002;same;UTC;;\n79770000003;new;UTC;Лев;\n")
    services.jobs_queue.messages.clear()
    assert undone(services, import_id) == (1, 1, 0)
    assert services.clients.rows[1] == before
    assert shown(services)[2] == Client(2, "79770000002", "same")
    assert len(services.clients.rows) == 2
    moved = [from_body(message.body) for message in services.jobs_queue.messages.values()]
    assert moved == [FollowMovedClients((1,))], "the local hours of waiting messages follow"
    again = add(services, 3)
    assert again.id > 3, "the phone number is free"


def test_an_undo_of_many_chunks_goes_back_from_the_last_one(services: Any) -> None:
    rows = "".join(f"79{number:09d};a\n" for number in range(600))
    import_id = imported(services, f"phone_number;tag\n{rows}79000000007;b\n79000000300;c\n")
    assert len(services.clients.rows) == 600
    assert undone(services, import_id) == (600, 2, 0)
    assert services.clients.rows == {}


def test_what_somebody_changed_since_is_left_and_listed(services: Any) -> None:
    for number in range(1, 5):
        add(services, number, tag="old", attributes={"имя": "Анна"})
    text = "phone_number;tag;attributes.имя\n" + "".join(f"7977000000{number};new;Яна\n" for number in range(1, 9))
    import_id = imported(services, text)
    change_client(services, 1, {"tag": "theirs"})
    change_client(services, 2, {"timezone": "Asia/Omsk"})
    delete_client(services, 3)
    change_client(services, 5, {"tag": "theirs"})
    opt_out_client(services, 6)
    delete_client(services, 7)
    assert undone(services, import_id) == (2, 2, 4)
    kept, rest = list_kept(services, import_id, 0, 9)
    assert [(one.id, one.reason) for one in kept] == [(1, CHANGED), (3, GONE), (5, CHANGED), (6, CHANGED)]
    assert rest is None
    assert [one.id for one in list_kept(services, import_id, 1, 2)[0]] == [3, 5]
    clients = services.clients.rows
    assert sorted(clients) == [1, 2, 4, 5, 6]
    assert (clients[1].tag, clients[1].attributes) == ("theirs", {"имя": "Анна"}), "the other field is restored"
    assert (clients[2].tag, clients[2].timezone) == ("old", "Asia/Omsk")
    assert shown(services)[4] == Client(4, "79770000004", "old", attributes={"имя": "Анна"})


def test_an_opt_out_of_the_file_stays(services: Any) -> None:
    add(services, 1, tag="old")
    text = "phone_number;tag;opted_out_at\n79770000001;new;2026-01-02T03:04:05Z\n79770000002;new;2026-01-02T03:04:05Z\n"
    assert undone(services, imported(services, text)) == (1, 1, 0)
    assert shown(services) == {1: Client(1, "79770000001", "old", opted_out_at=SINCE)}
    assert services.clients.stop_of("79770000002") == SINCE, "the number stays on the stop list"
    assert add_stopped(services).opted_out_at == SINCE


def add_stopped(services: Any) -> Client:
    return add(services, 2)


def test_a_consent_of_the_file_is_taken_back_and_a_withdrawal_stays(services: Any) -> None:
    for number in (1, 2):
        add(services, number)
    text = "phone_number;consent_at;consent_source\n" + "".join(
        f"7977000000{number};2026-01-02T03:04:05Z;form\n" for number in (1, 2, 3)
    )
    import_id = imported(services, text)
    withdraw_consent(services, 2)
    withdrawn = services.clients.rows[2].consent_withdrawn_at
    withdraw_consent(services, 3)
    assert undone(services, import_id) == (0, 2, 1)
    assert shown(services)[1] == Client(1, "79770000001")
    assert shown(services)[2] == Client(2, "79770000002", consent_withdrawn_at=withdrawn)
    assert services.clients.rows[3].consent_at == SINCE, "its withdrawal is a change since"


def test_an_import_is_undone_once_and_a_repeated_request_changes_nothing(services: Any) -> None:
    import_id = imported(services, "phone_number\n79770000001\n")
    assert undone(services, import_id) == (1, 0, 0)
    add(services, 1)
    assert begin_undo(services, import_id, author(services)).status == "undone"
    assert process_import(services, import_id, lambda: 60.0)
    assert len(services.clients.rows) == 1
    records = [(one.what, one.action) for one in services.audit.records if one.what == "import"]
    assert records == [("import", "made"), ("import", "undone")]


def test_repeated_requests_of_an_undo_under_way_queue_no_more_jobs(services: Any) -> None:
    import_id = imported(services, "phone_number\n79770000001\n")
    services.imports_queue.messages.clear()
    for _ in range(3):
        assert begin_undo(services, import_id, author(services)).status == "undoing"
    assert services.imports_queue.size() == 1


def test_only_an_import_of_the_last_day_that_has_ended_can_be_undone(services: Any) -> None:
    for import_id in (imported(services, "phone_number\n79770000001\n", is_dry_run=True), begun(services)):
        with pytest.raises(NotInThisStatus):
            begin_undo(services, import_id, author(services))
    import_id = imported(services, "phone_number\n79770000002\n")
    services.imports.rows[import_id] = replace(services.imports.rows[import_id], is_traced=False)  # of an older version
    with pytest.raises(NotInThisStatus):
        begin_undo(services, import_id, author(services))
    import_id = imported(services, "phone_number\n79770000003\n")
    services.clock.forward(timedelta(hours=24).total_seconds())
    with pytest.raises(NotInThisStatus):
        begin_undo(services, import_id, author(services))


def begun(services: Any) -> int:
    content = b"phone_number\n79770000009\n"
    return import_content(services, content, check_content(content, ""), "", author(services)).id


def test_an_import_that_failed_can_be_undone(services: Any) -> None:
    import_id = imported(services, "phone_number\n79770000001\n" + "7\n" * 1300)
    assert services.imports.rows[import_id].status == "failed"
    assert undone(services, import_id) == (1, 0, 0)
    assert services.clients.rows == {}


def test_an_undo_goes_on_in_another_turn_and_a_lost_job_is_queued_again(services: Any) -> None:
    import_id = imported(services, "phone_number\n" + "".join(f"79{number:09d}\n" for number in range(600)))
    services.imports_queue.messages.clear()
    begin_undo(services, import_id, author(services))
    services.imports_queue.messages.clear()
    services.clock.forward(301)
    assert sweep(services)["import"] == 1
    assert not process_import(services, import_id, iter([60.0, 60.0, 60.0, 0.0]).__next__)
    assert 0 < len(services.clients.rows) < 600
    assert process_import(services, import_id, lambda: 60.0)
    assert services.clients.rows == {}
    assert services.imports.rows[import_id].undo.removed == 600


def imported_beside_another_program(services: Any, theirs: Client) -> int:
    """The other program registers its client between the decision about the rows and their write."""
    real = services.clients.add_many

    def add_many(clients: Any, *others: Any) -> None:
        services.clients.add_many = real
        services.clients.add(theirs)
        real(clients, *others)

    services.clients.add_many = add_many
    rows = "".join(f"7977000000{number};new;UTC\n" for number in (1, 2, 3))
    return imported(services, f"phone_number;tag;timezone\n{rows}")


def test_a_client_that_another_program_registers_during_the_import_gets_its_former_values(services: Any) -> None:
    theirs = Client(99, "79770000002", "theirs", "Asia/Omsk")
    import_id = imported_beside_another_program(services, theirs)
    assert services.clients.rows[99] == replace(theirs, tag="new", timezone="UTC")
    moved = [from_body(message.body) for message in services.jobs_queue.messages.values()]
    assert moved == [FollowMovedClients((99,))], "it may have waiting messages"
    assert undone(services, import_id) == (2, 1, 0)
    assert services.clients.rows == {99: theirs}


def test_a_client_that_another_import_of_the_file_has_added_is_not_counted_as_removed(services: Any) -> None:
    theirs = Client(99, "79770000002", "new", "UTC")
    import_id = imported_beside_another_program(services, theirs)
    assert undone(services, import_id) == (2, 0, 0)
    assert services.clients.rows == {99: theirs}


def test_what_an_interrupted_try_has_added_is_removed_also_if_the_next_one_meets_another_program(services: Any) -> None:
    real, theirs, calls = services.clients.add_many, Client(99, "79000000039", "new"), iter(range(9))

    def add_many(clients: Any, *others: Any) -> None:
        call = next(calls)
        if call == 1:
            raise NotWritten
        if call == 2:
            services.clients.add(theirs)
        real(clients, *others)

    services.clients.add_many = add_many
    services.thread_pool = lambda number: ThreadPoolExecutor(1)
    content = ("phone_number;tag\n" + "".join(f"79{number:09d};new\n" for number in range(40))).encode()
    one = import_content(services, content, check_content(content, ""), "", author(services))
    with pytest.raises(NotWritten):
        process_import(services, one.id, lambda: 60.0)
    assert len(services.clients.rows) == 33
    assert process_import(services, one.id, lambda: 60.0)
    assert undone(services, one.id) == (39, 0, 0)
    assert services.clients.rows == {99: theirs}


def test_a_long_import_is_undone_only_if_the_bucket_has_what_it_did_first_until_the_end(services: Any) -> None:
    import_id = begun(services)
    services.clock.forward(timedelta(hours=20).total_seconds())
    assert process_import(services, import_id, lambda: 60.0)
    services.clock.forward(timedelta(hours=8).total_seconds() - 1)
    assert services.imports.rows[import_id].may_be_undone(services.clock.now())
    services.clock.forward(1)
    with pytest.raises(NotInThisStatus):
        begin_undo(services, import_id, author(services))
