"""CSV exports, part by part."""

from __future__ import annotations

import re

from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import run_import
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.jobs import ImportClients

from .conftest import Answer, Call


def parts_of(call: Call, path: str) -> list[Answer]:
    parts = [call("GET", path)]
    while link := parts[-1].headers.get("Link"):
        found = re.fullmatch(r'<https://api\.example\.com(.+)>; rel="next"', link)
        assert found is not None
        parts.append(call("GET", found[1]))
    return parts


def clients(call: Call, number: int, tag: str = "a") -> None:
    for index in range(number):
        call("POST", "/Clients", form={"phone_number": f"7977000000{index}", "tag": tag})


def test_clients_are_exported_as_a_file_for_spreadsheets(call: Call) -> None:
    clients(call, 1, "=cmd|' /C calc'!A0")
    answer = call("GET", "/Clients/export/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="clients.csv"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    consent = "consent_at;consent_source;consent_text;consent_withdrawn_at"
    head = f"\ufeffid;phone_number;operator_code;tag;timezone;opted_out_at;{consent};registered_at\r\n"
    registered_at = call("GET", "/Clients/1").json["registered_at"]
    assert answer.text == f"{head}1;79770000000;977;'=cmd|' /C calc'!A0;UTC;;;;;;{registered_at}\r\n"


def test_formulas_after_another_separator_are_escaped_and_an_import_restores_them(
    call: Call, services: Services
) -> None:
    value = "x,=1+cmd|' /C calc'!A0,y"
    call("POST", "/Clients", json={"phone_number": "79770000000", "attributes": {"город": value}})
    file = call("GET", "/Clients/export/").text
    assert file.endswith(";x,'=1+cmd|' /C calc'!A0,y\r\n")
    call("PATCH", "/Clients/1/", json={"attributes": {"город": "y"}})
    assert call("POST", "/Clients/import/", body=file.encode(), content_type="text/csv").status == 202
    assert run_import(services, ImportClients(1), lambda: 60.0) is None
    assert call("GET", "/Clients/1/").json["attributes"] == {"город": value}


def test_the_parts_together_are_one_file(call: Call) -> None:
    clients(call, 5)
    whole = call("GET", "/Clients/export")
    assert "Link" not in whole.headers
    parts = parts_of(call, "/Clients/export?limit=2")
    assert len(parts) == 3
    assert "".join(part.text for part in parts) == whole.text
    assert call("HEAD", "/Clients/export").status == 200


def test_an_export_has_the_filters_of_the_list(call: Call) -> None:
    clients(call, 2)
    call("POST", "/Clients", form={"phone_number": "79210000000", "tag": "b"})
    for query in ("operator_code=921", "tag=b", "phone_number=79210000000"):
        lines = call("GET", f"/Clients/export?{query}").text.splitlines()
        assert [line.split(";")[1] for line in lines] == ["phone_number", "79210000000"]
    assert len(call("GET", "/Clients/export?tag=none").text.splitlines()) == 1


def test_the_stop_list_is_exported_in_parts_with_times_and_reasons(call: Call) -> None:
    call("POST", "/Clients", form={"phone_number": "79770000001"})
    call("POST", "/StopList", form={"phone_number": "79770000001"})
    reasons = {f"7921000000{number}": f"=letter {number}" for number in range(5)}
    for phone, reason in reasons.items():
        form = {"phone_number": phone, "reason": reason, "opted_out_at": "2026-01-02T03:04:05Z"}
        call("POST", "/StopList", form=form)
    first = call("GET", "/StopList/export?limit=4")
    second = call("GET", first.headers["Link"][1:].partition(">")[0].removeprefix("https://api.example.com"))
    assert "Link" not in second.headers
    lines = [line.split(";") for line in (first.text + second.text).splitlines()]
    assert lines[0] == ["\ufeffphone_number", "opted_out_at", "reason", "source", "client_id"]
    rows = {line[0]: line[1:] for line in lines[1:]}
    assert len(lines) == 7
    assert rows["79770000001"][1:] == ["", "api", "1"]
    for phone, reason in reasons.items():
        assert rows[phone] == ["2026-01-02T03:04:05Z", f"'{reason}", "api", ""]


def test_the_messages_of_a_mailing_are_exported(call: Call, services: Services) -> None:
    clients(call, 3)
    call("POST", "/Mailing", json={"datetime_start": "2026-01-01", "datetime_end": "2036-01-01", "message_text": "x"})
    assert len(call("GET", "/Stats/1/export").text.splitlines()) == 1
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    parts = parts_of(call, "/Stats/1/export?limit=2&status=queued")
    lines = "".join(part.text for part in parts).splitlines()
    assert len(parts) == 2
    assert (
        lines[0] == "\ufeffid;mailing_id;client_id;status;created_at;sent_at;attempts;last_error;reported_at;consent_at"
    )
    assert [line.split(";")[1:4] for line in lines[1:]] == [["1", str(number), "queued"] for number in (1, 2, 3)]
    assert len(call("GET", "/Stats/1/export?status=sent").text.splitlines()) == 1
    assert call("GET", "/Stats/1/export?status=lost").status == 400


def test_an_invalid_limit_or_cursor_is_refused(call: Call) -> None:
    assert set(call("GET", "/Clients/export?limit=0&cursor=x").json) == {"limit", "cursor"}
