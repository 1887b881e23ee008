"""Imports of clients over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import run_import
from chalicelib.delivery.dead_letters import read_job
from chalicelib.domain.jobs import ImportClients
from tests.workbooks import workbook_of

from .conftest import Answer, Call

Written = Callable[[], list[Any]]
FILE = "phone_number;tag\r\n79770000001;друзья\r\n7977;=1+1\r\n79770000002;\r\n"


def post(
    call: Call, content: bytes | str = FILE, content_type: str = "text/csv", query: str = "", **more: Any
) -> Answer:
    body = content.encode() if isinstance(content, str) else content
    return call("POST", f"/Clients/import{query}", body=body, content_type=content_type, **more)


def work(services: Services) -> None:
    for message in services.imports_queue.receive():
        job = read_job(services, message.body, ImportClients)
        assert job is not None
        assert run_import(services, job, lambda: 60.0) is None
        services.imports_queue.delete([message.receipt_handle])


def test_a_file_is_accepted_at_once_and_processed_in_the_background(call: Call, services: Services) -> None:
    answer = post(call, query="?file_name=a.csv")
    assert answer.status == 202
    made = answer.json
    assert made.pop("created_at").endswith("Z")
    figures = dict.fromkeys(("rows", "added", "changed", "unchanged", "refused", "opted_out", "normalized"), 0)
    given = {"kind": "clients", "file_name": "a.csv", "dry_run": False, "encoding": "utf-8"}
    assert made == {"id": 1, "status": "running", **given, **figures, "finished_at": None, "detail": None, "undo": None}
    work(services)
    one = call("GET", "/Clients/import/1").json
    assert (one["status"], one["rows"], one["added"], one["refused"]) == ("finished", 3, 2, 1)
    assert one["finished_at"] is not None
    assert one["results"] == [
        {
            "row": 3,
            "cells": {"phone_number": "7977", "tag": "=1+1"},
            "errors": {"phone_number": ["Enter a phone number as 79XXXXXXXXX, where X is a digit: 79774053329."]},
        }
    ]
    assert [client["tag"] for client in call("GET", "/Clients").json["results"]] == ["друзья", None]


def test_a_cp1251_file_is_sent_as_bytes(call: Call, services: Services) -> None:
    answer = post(call, FILE.encode("cp1251"), "application/octet-stream")
    assert (answer.status, answer.json["encoding"]) == (202, "cp1251")
    work(services)
    assert call("GET", "/Clients/1").json["tag"] == "друзья"


@pytest.mark.parametrize(
    ("content", "content_type", "status", "field", "expected"),
    [
        ("", "text/csv", 400, "detail", "empty"),
        ("\n\n", "text/csv", 400, "detail", "empty"),
        ("79770000001;a\n", "text/csv", 400, "detail", "first row names the columns"),
        ("phone_number;tagg\n", "text/csv", 400, "tagg", "Unknown column"),
        ("tag\na\n", "text/csv", 400, "phone_number", "required"),
        ("Телефон;ФИО\n", "text/csv", 400, "ФИО", "Unknown column"),
        ("Фамилия;Город\n", "text/csv", 400, "detail", "“Фамилия”, “Город”"),
        ("phone_number;tag\n7977;\ufffd\n", "text/csv", 400, "detail", "application/octet-stream"),
        (FILE.encode("cp1251"), "text/csv", 400, "detail", "not UTF-8: send it with Content-Type: application/octet"),
        (FILE.encode("cp1251"), "text/csv; charset=windows-1251", 400, "detail", "application/octet-stream"),
        (FILE.encode("utf-16"), "text/csv", 400, "detail", "application/octet-stream"),
        (FILE.encode() + b"\xff\n", "text/csv; charset=utf-8", 400, "detail", "application/octet-stream"),
        (FILE.encode("koi8-r"), "application/octet-stream", 400, "detail", "KOI8-R"),
        ("phone_number\n" + "7" * 5 * 1024**2, "text/csv", 413, "detail", "5 MB"),
        (FILE, "application/json", 415, "detail", "text/csv or application/octet-stream"),
        (FILE, "multipart/form-data; boundary=x", 415, "detail", "text/csv or application/octet-stream"),
    ],
)
@pytest.mark.parametrize("key", [None, "k1"])
def test_an_unusable_file_is_refused_and_nothing_is_written(
    call: Call,
    services: Services,
    written: Written,
    content: str | bytes,
    content_type: str,
    status: int,
    field: str,
    expected: str,
    key: str | None,
) -> None:
    before = written()
    answer = post(call, content, content_type, key=key)
    assert answer.status == status, answer.text
    assert list(answer.json) == ([field, "request_id"] if status == 413 else [field])
    assert expected in str(answer.json[field])
    assert written() == before
    assert services.imports_queue.is_idle()


def test_columns_are_given_their_meaning_by_the_caller(call: Call, services: Services) -> None:
    text = "Телефон;ФИО;Заметка\n+7 (977) 000-00-01;Анна;x\n7;Яна;y\n"
    query = "?columns=" + quote('{"ФИО": "attributes.имя", "Заметка": ""}')
    first = post(call, text, query=query, key="k")
    assert first.status == 202
    assert post(call, text, query=query, key="k").json == first.json
    assert post(call, text, query="?columns=" + quote('{"ФИО": "", "Заметка": ""}'), key="k").status == 422
    work(services)
    one = call("GET", "/Clients/import/1").json
    assert (one["added"], one["normalized"], one["refused"]) == (1, 1, 1)
    assert call("GET", "/Clients/1").json["attributes"] == {"имя": "Анна"}
    refused = call("GET", "/Clients/import/1/refused").text
    assert refused.startswith("\ufeffТелефон;ФИО;Заметка;reason\r\n7;Яна;y;phone_number: Enter")
    assert post(call, refused.replace("7;Яна", "79770000002;Яна"), query=query).status == 202


XLSX = workbook_of(
    ("Телефон", "Тег", "Дата отписки"),
    (79770000001, "друзья", None),
    ("8 (977) 000-00-02", None, "2026-01-02"),
    (7, 1, 0),
)


def test_a_workbook_is_imported_like_a_csv_file(call: Call, services: Services) -> None:
    answer = post(call, XLSX, "application/octet-stream", "?file_name=a.xlsx")
    assert (answer.status, answer.json["encoding"]) == (202, "xlsx")
    work(services)
    one = call("GET", "/Clients/import/1").json
    figures = [one[name] for name in ("status", "added", "normalized", "opted_out", "refused")]
    assert figures == ["finished", 2, 1, 1, 1]
    assert [(row["row"], row["cells"]["Телефон"]) for row in one["results"]] == [(4, "7")]
    assert [client["tag"] for client in call("GET", "/Clients").json["results"]] == ["друзья", None]
    assert "Телефон;Тег;Дата отписки;reason" in call("GET", "/Clients/import/1/refused").text


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        (workbook_of(("Фамилия", "Город")), "detail", "“Фамилия”, “Город”"),
        (workbook_of(("Телефон", "ФИО")), "ФИО", "Unknown column"),
        (XLSX[:-30], "detail", "cannot be read as XLSX"),
    ],
    ids=("unknown", "one unknown", "damaged"),
)
def test_a_workbook_that_cannot_be_imported_is_refused_at_once(
    call: Call, written: Written, content: bytes, field: str, expected: str
) -> None:
    before = written()
    answer = post(call, content, "application/octet-stream")
    assert (answer.status, list(answer.json)) == (400, [field])
    assert expected in str(answer.json[field])
    assert written() == before


def test_a_dry_run_says_what_an_import_would_do_and_is_then_started(call: Call, services: Services) -> None:
    call("POST", "/Clients", json={"phone_number": "79770000001", "tag": "a"})
    text = FILE + "8 977 000-00-03;друзья\r\n"
    assert post(call, text, query="?dry_run=yes").json == {"dry_run": ["true or false is expected."]}
    first = post(call, text, query="?dry_run=true", key="k")
    assert (first.status, first.json["dry_run"]) == (202, True)
    assert post(call, text, key="k").status == 422, "another request"
    assert call("POST", "/Clients/import/1/start").status == 409, "it runs"
    work(services)
    checked = call("GET", "/Clients/import/1").json
    names = ("rows", "added", "changed", "unchanged", "refused", "normalized")
    assert [checked[name] for name in names] == [4, 2, 1, 0, 1, 1]
    assert len(checked["results"]) == 1
    assert [client["tag"] for client in call("GET", "/Clients").json["results"]] == ["a"], "nothing is written"
    started = call("POST", "/Clients/import/1/start", key="s")
    assert (started.status, started.json["id"], started.json["dry_run"]) == (202, 2, False)
    assert call("POST", "/Clients/import/1/start", key="s").json == started.json
    work(services)
    done = call("GET", "/Clients/import/2").json
    assert [done[name] for name in names] == [checked[name] for name in names]
    assert [client["tag"] for client in call("GET", "/Clients").json["results"]] == ["друзья", None, "друзья"]
    assert call("POST", "/Clients/import/2/start").status == 409, "it was no dry run"
    assert call("POST", "/Clients/import/9/start").status == 404


def test_an_import_is_undone_and_what_was_changed_since_is_listed(call: Call, services: Services) -> None:
    call("POST", "/Clients", json={"phone_number": "79770000001", "tag": "a"})
    post(call)
    assert call("POST", "/Clients/import/1/undo").status == 409, "it runs"
    work(services)
    call("PATCH", "/Clients/2", form={"tag": "theirs"})
    answer = call("POST", "/Clients/import/1/undo", key="u")
    assert (answer.status, answer.json["status"]) == (202, "undoing")
    assert call("POST", "/Clients/import/1/undo", key="u").json == answer.json
    work(services)
    one = call("GET", "/Clients/import/1").json
    assert one["status"] == "undone"
    assert one["undo"].pop("at").endswith("Z")
    assert one["undo"] == {"removed": 0, "restored": 1, "kept": 1}
    assert len(one["results"]) == one["refused"] == 1, "the refused rows stay"
    kept = {"client_id": 2, "reason": "The client has been changed since."}
    assert call("GET", "/Clients/import/1/kept").json == {"next": None, "results": [kept]}
    assert [client["tag"] for client in call("GET", "/Clients").json["results"]] == ["a", "theirs"]
    assert call("POST", "/Clients/import/1/undo").json["status"] == "undone"
    records = [(record["what"], record["action"]) for record in call("GET", "/Audit").json["results"]]
    assert records.count(("import", "undone")) == 1


@pytest.mark.parametrize("given", ["[]", "{", "7", '{"ФИО": 7}', '{"ФИО": null}', '{"Имя": ""}', '{"ФИО": "имя"}'])
def test_a_meaning_of_columns_that_is_not_understood_is_refused(call: Call, given: str) -> None:
    answer = post(call, "Телефон;ФИО\n79770000001;Анна\n", query="?columns=" + quote(given))
    assert (answer.status, list(answer.json)) == (400, ["columns"])


@pytest.mark.parametrize("name", ["%00", "%0a", "x" * 256])
def test_a_file_name_is_printable(call: Call, written: Written, name: str) -> None:
    before = written()
    assert list(post(call, query=f"?file_name={name}").json) == ["file_name"]
    assert written() == before


def test_a_repeated_request_creates_one_import(call: Call, services: Services) -> None:
    first = post(call, key="k1")
    again = post(call, key="k1")
    assert (again.status, again.json) == (202, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert post(call, FILE + "79770000003;\n", key="k1").status == 422
    assert len(call("GET", "/Clients/import").json["results"]) == 1


def test_imports_are_listed_from_the_newest_in_pages(call: Call) -> None:
    for _ in range(3):
        post(call)
    page = call("GET", "/Clients/import?limit=2").json
    assert [one["id"] for one in page["results"]] == [3, 2]
    rest = call("GET", page["next"].removeprefix("https://api.example.com")).json
    assert ([one["id"] for one in rest["results"]], rest["next"]) == ([1], None)


def test_refused_rows_are_paginated_and_exported_as_csv_to_correct_and_import_again(
    call: Call, services: Services
) -> None:
    post(call, "tag;phone_number\n" + "".join(f"'=t{n};{n}\n" for n in range(5)))
    work(services)
    page = call("GET", "/Clients/import/1?limit=3").json
    assert [row["row"] for row in page["results"]] == [2, 3, 4]
    rest = call("GET", page["next"].removeprefix("https://api.example.com")).json
    assert ([row["row"] for row in rest["results"]], rest["next"]) == ([5, 6], None)
    answer = call("GET", "/Clients/import/1/refused")
    lines = answer.text.split("\r\n")
    assert lines[0] == "\ufefftag;phone_number;reason"
    assert lines[1].startswith("'=t0;0;phone_number: Enter")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="import-1-refused.csv"'
    repaired = answer.text
    for number in range(5):
        repaired = repaired.replace(f"t{number};{number};", f"t{number};7977000000{number};")
    assert post(call, repaired).status == 202
    work(services)
    assert call("GET", "/Clients/import/2").json["added"] == 5
    assert call("GET", "/Clients/1").json["tag"] == "=t0"


def test_an_unknown_import_is_not_found_and_the_read_role_cannot_import(call: Call, services: Services) -> None:
    for path in ("/Clients/import/7", "/Clients/import/x", "/Clients/import/7/refused", "/Stats/7/export"):
        assert call("GET", path).status == 404
    reader = f"Token {make_token(services, 'rita', 'read')}"
    assert post(call, authorization=reader).status == 403
    assert call("GET", "/Clients/export", authorization=reader).status == 200


def test_an_import_is_one_audit_record(call: Call, services: Services) -> None:
    post(call, query="?file_name=a.csv")
    work(services)
    (record,) = call("GET", "/Audit").json["results"]
    assert (record["who"], record["action"], record["what"], record["id"]) == ("shop", "made", "import", "1")


def test_no_phone_number_is_logged(call: Call, services: Services, capfd: pytest.CaptureFixture[str]) -> None:
    post(call)
    work(services)
    said = capfd.readouterr()
    assert "7977" not in said.out + said.err


@pytest.mark.parametrize("content", ["79770000001;Анна\n79770000002;Борис\n", "8 (977) 000-00-01\n79770000002\n"])
def test_a_file_without_a_row_of_names_is_refused_and_loses_nobody(call: Call, content: str) -> None:
    """Even if the caller says what the columns mean: the first client would be taken for the names."""
    said = quote(json.dumps({content.partition("\n")[0].partition(";")[0]: "phone_number", "Анна": "attributes.имя"}))
    for query in ("", f"?columns={said}"):
        refused = call("POST", f"/Clients/import{query}", body=content.encode(), content_type="text/csv")
        assert refused.status == 400
        assert "The first row names the columns, and this one has a phone number" in refused.text
