from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.adapters import aws
from chalicelib.adapters.tables.import_row import ImportRow
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client import Client
from chalicelib.domain.client_import import (
    FAILED,
    FINISHED,
    UNDOING,
    UNDONE,
    ChunkPlan,
    ClientImport,
    KeptClient,
    RefusedRow,
    Tally,
    Undo,
)
from chalicelib.domain.csv_file import FileFormat
from chalicelib.errors import FileGone, ImportBusy, NotRead, RowChanged
from chalicelib.texts import Text
from infra.local.doubles.aws import make_services
from tests.refusals import refused_calls

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=125)
WITHIN = Text("attributes.within", name="имя", error=Text("field.null_characters"))
WRONG = {"tag": [Text("client.tag_with_comma"), Text("field.too_long", most=255)], "attributes": [WITHIN]}
FORM = FileFormat("cp1251", ";", ("phone_number", "tag"), 17, newline="\r")
ONE = ClientImport(1, "imports/1.csv", "v1", "клиенты.csv", FORM, NOW, NOW, offset=17, author="anna")


def test_an_import_is_read_as_it_was_added_and_added_once(services: Any) -> None:
    services.imports.add(ONE, Author("anna", NOW, 0.5).record("import", 1, None, {"id": 1}))
    assert services.imports.get(1) == ONE
    assert services.imports.get(2) is None
    assert services.imports.get_many([2, 1]) == {1: ONE}
    assert services.imports.open_ids() == [1]
    with pytest.raises(RowChanged):
        services.imports.add(ONE)
    assert [record.what for record in services.audit.read(NOW.toordinal(), 10**20, 9)] == ["import"]


def test_an_import_is_leased_to_one_worker(services: Any) -> None:
    services.imports.add(ONE)
    assert services.imports.lease(1, NOW, UNTIL) == replace(ONE, lease=1)
    with pytest.raises(ImportBusy):
        services.imports.lease(1, NOW + timedelta(seconds=124), UNTIL)
    assert services.imports.lease(1, UNTIL, UNTIL + timedelta(seconds=9)) == replace(ONE, lease=2, moved_at=UNTIL)
    with pytest.raises(ImportBusy):
        services.imports.lease(2, NOW, UNTIL)


def test_progress_is_stored_and_the_end_of_the_lease_changes_nothing_else(services: Any) -> None:
    services.imports.add(ONE)
    one = services.imports.lease(1, NOW, UNTIL)
    plan = ChunkPlan(Tally(added=3, refused=1), 5, ((5, 2), (9, 1)))
    moved = replace(one, offset=99, row=7, tally=Tally(1, 2, 3, 4, 5), plan=plan, moved_at=UNTIL)
    services.imports.advance(moved)
    assert services.imports.get(1) == moved
    services.imports.end_lease(one)
    assert services.imports.get(1) == moved
    again = services.imports.lease(1, NOW, UNTIL)
    assert again == replace(moved, lease=2, moved_at=NOW)
    services.imports.advance(replace(again, plan=None))
    assert services.imports.get(1).plan is None


def test_a_worker_without_the_lease_changes_nothing(services: Any) -> None:
    services.imports.add(ONE)
    late = services.imports.lease(1, NOW, NOW)
    held = services.imports.lease(1, UNTIL, UNTIL + timedelta(seconds=9))
    for write in (services.imports.advance, services.imports.end_lease):
        with pytest.raises(RowChanged):
            write(replace(late, offset=99))
    assert services.imports.get(1) == held


def test_an_ended_import_is_opened_once_for_its_undo_and_ends_again(services: Any) -> None:
    services.imports.add(replace(ONE, is_traced=True))
    ended = services.imports.lease(1, NOW, UNTIL).ended(FINISHED, UNTIL)
    services.imports.advance(ended)
    undoing = replace(ended, status=UNDOING, undo=Undo(UNTIL, "boris", below=251), moved_at=UNTIL)
    record = Author("boris", UNTIL, 0.5).record("import", 1, None, None, "undone")
    services.imports.begin_undo(undoing, record)
    assert services.imports.get(1) == undoing
    assert services.imports.open_ids() == [1]
    with pytest.raises(RowChanged):
        services.imports.begin_undo(undoing, record)
    with pytest.raises(ImportBusy):
        services.imports.lease(1, UNTIL, UNTIL)
    leased = services.imports.lease(1, UNTIL, UNTIL + timedelta(seconds=9), UNDOING)
    moved = replace(leased, undo=Undo(UNTIL, "boris", 1, 2, 3, 4))
    services.imports.advance(moved)
    assert services.imports.get(1) == moved
    services.imports.advance(replace(moved, status=UNDONE))
    assert services.imports.open_ids() == []
    assert [record.action for record in services.audit.read(NOW.toordinal(), 10**20, 9)] == ["undone"]


def test_the_clients_that_an_undo_has_left_are_beside_the_refused_rows(services: Any) -> None:
    services.imports.add(ONE)
    kept = [KeptClient(client_id, Text("undo.gone")) for client_id in (3, 7, 40)]
    services.imports.add_kept(ONE, [kept[1], kept[0]])
    services.imports.add_kept(ONE, kept[1:])
    services.imports.add_refused(ONE, [RefusedRow(3, {"tag": "a"}, WRONG)])
    assert services.imports.kept(1, 0, 9) == kept
    assert services.imports.kept(1, 3, 1) == [kept[1]]
    assert [row.number for row in services.imports.refused(1, 0, 9)] == [3]


@pytest.mark.parametrize(("status", "detail"), [(FINISHED, None), (FAILED, Text("file.gone"))])
def test_an_import_that_has_ended_is_not_open_and_cannot_be_leased(
    services: Any, status: str, detail: Text | None
) -> None:
    services.imports.add(ONE)
    ended = services.imports.lease(1, NOW, NOW).ended(status, UNTIL, detail)
    services.imports.advance(ended)
    assert services.imports.get(1) == ended
    assert services.imports.open_ids() == []
    with pytest.raises(ImportBusy):
        services.imports.lease(1, UNTIL, UNTIL)


def test_refused_rows_are_in_the_order_of_the_file_and_can_be_written_again(services: Any) -> None:
    rows = [RefusedRow(number, {"phone_number": "7", "tag": "я"}, WRONG) for number in range(2, 32)]
    services.imports.add(ONE)
    for _ in range(2):
        services.imports.add_refused(ONE, reversed(rows))
    assert services.imports.refused(1, 0, 100) == rows
    assert services.imports.refused(1, 3, 2) == rows[2:4]
    assert services.imports.refused(2, 0, 100) == []
    assert services.imports.get(1) == ONE


def test_a_file_is_read_in_pieces(services: Any) -> None:
    version = services.import_files.put("a/b.csv", b"0123456789")
    first = services.import_files.read("a/b.csv", 0, 4)
    assert (first.content, first.version, first.size) == (b"0123", version, 10)
    assert services.import_files.read("a/b.csv", 8, 4).content == b"89"
    assert services.import_files.read("a/b.csv", 10, 4) is None
    with pytest.raises(FileGone):
        services.import_files.read("a/c.csv", 0, 4)


def test_a_file_that_is_uploaded_again_has_another_version(services: Any) -> None:
    assert services.import_files.put("a", b"1") != services.import_files.put("a", b"2")
    services.import_files.put("empty", b"")
    assert services.import_files.read("empty", 0, 4) is None


@pytest.fixture
def new_etags() -> Iterator[None]:
    """The ETag of an object that is encrypted with a key of KMS is no digest of its content: here it is always new."""
    events, uploads = aws.client("s3").meta.events, itertools.count()

    def replace_etag(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ETag"] = f'"{next(uploads)}"'

    for operation in ("PutObject", "GetObject"):
        events.register(f"after-call.s3.{operation}", replace_etag)
    yield
    for operation in ("PutObject", "GetObject"):
        events.unregister(f"after-call.s3.{operation}", replace_etag)


@pytest.mark.usefixtures("new_etags")
def test_a_file_that_a_repeated_request_stores_again_keeps_its_version() -> None:
    with mock_aws():
        files = make_services().import_files
        version = files.put("a", b"1")
        assert files.put("a", b"1") == version
        piece = files.read("a", 0, 1)
        assert piece is not None
        assert piece.version == version
        assert files.put("a", b"2") != version


def test_a_file_that_somebody_else_put_into_the_bucket_has_the_version_of_s3() -> None:
    with mock_aws():
        files = make_services().import_files
        etag = aws.client("s3").put_object(Bucket=files.bucket, Key="a", Body=b"1")["ETag"]
        piece = files.read("a", 0, 1)
        assert piece is not None
        assert piece.version == etag


@pytest.mark.parametrize(
    ("action", "refusal"), [("s3:ListBucket", FileGone), ("kms:Decrypt", NotRead)], ids=["no such file", "no right"]
)
def test_a_file_that_may_not_be_decrypted_is_not_taken_for_one_that_is_gone(action: str, refusal: Any) -> None:
    text = f"User: some is not authorized to perform: {action} on resource: other because no policy allows the action"
    answer = {"Error": {"Code": "AccessDenied", "Message": text}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    error = ClientError(answer, "GetObject")  # type: ignore[arg-type]
    with mock_aws(), refused_calls("s3", "GetObject", error), pytest.raises(refusal):
        make_services().import_files.read("a", 0, 1)


def test_ids_are_leased_in_blocks(services: Any) -> None:
    assert services.counters.next_id("client_id") == 1
    assert services.counters.lease_ids("client_id", 10) == 2
    assert services.counters.last_id("client_id") == 11
    assert services.counters.lease_ids("client_id", 1) == 12


def test_clients_are_added_all_or_none(services: Any) -> None:
    clients = [Client(number, f"7977{number:07d}", "a" if number % 2 else None) for number in range(1, 34)]
    services.clients.add_many(clients)
    found, stops = services.clients.find_many([*(one.phone_number for one in clients), "79990000000"])
    assert found == {one.phone_number: one for one in clients}
    assert stops == {}
    for wrong in (Client(34, clients[0].phone_number), replace(clients[0], phone_number="79990000001")):
        with pytest.raises(RowChanged):
            services.clients.add_many([Client(60, "79990000002"), wrong])
    assert services.clients.find_many(["79990000001", "79990000002"]) == ({}, {})
    assert services.clients.find_many([]) == ({}, {})


def test_errors_of_a_row_are_stored_by_code_and_those_of_an_earlier_version_are_read_unchanged() -> None:
    with mock_aws():
        made = make_services()
        made.imports.add_refused(ONE, [RefusedRow(2, {}, {"tag": [Text("client.tag_with_comma")]})])
        row = ImportRow.get(1, 2)
        assert row.errors == {"tag": [{"code": "client.tag_with_comma"}]}
        row.update(actions=[ImportRow.errors.set({"tag": ["A tag is one label without a comma."]})])
        (read,) = made.imports.refused(1, 0, 9)
        assert [str(text) for text in read.errors["tag"]] == ["A tag is one label without a comma."]
