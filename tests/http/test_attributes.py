"""A client's attributes over HTTP, and texts with placeholders."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.adapters.tables.mailing_row import MailingRow
from chalicelib.clients.import_worker import run_import
from chalicelib.domain.jobs import ImportClients

from .conftest import Call
from .test_exports import parts_of

PHONE = "79774053329"
TIMES = {"datetime_start": "2040-01-01", "datetime_end": "2041-01-01"}
OWN = {"имя": "Анна", "город": "Омск"}


def register(call: Call, number: int = 0, **fields: Any) -> Any:
    return call("POST", "/Clients", json={"phone_number": f"7977000000{number}", **fields})


@pytest.mark.parametrize("sent", [None, "", "  ", {}, "{}", {"имя": ""}, {"имя": None}, {"имя": "  "}])
def test_blank_attributes_are_removed(call: Call, sent: object) -> None:
    assert register(call, attributes=sent).json["attributes"] == {}


def test_attributes_are_json_or_a_form_field_with_json_and_can_be_sent_back(call: Call, services: Services) -> None:
    made = register(call, attributes={" имя ": " Анна ", "город": "Омск", "пусто": ""})
    assert (made.status, made.json["attributes"]) == (201, OWN)
    form = call("POST", "/Clients", form={"phone_number": PHONE, "attributes": '{"имя": "Анна", "город": "Омск"}'})
    assert (form.status, form.json["attributes"]) == (201, OWN)
    assert call("GET", "/Clients/1").json == made.json == call("PUT", "/Clients/1", json=made.json).json
    assert call("GET", "/Clients").json["results"][0] == made.json
    assert services.labels.read("attribute", 9) == ["город", "имя"]


def test_a_change_of_attributes_replaces_all_of_them_and_other_changes_keep_them(call: Call) -> None:
    register(call, attributes=OWN)
    assert call("PATCH", "/Clients/1", json={"tag": "vip"}).json["attributes"] == OWN
    assert call("PATCH", "/Clients/1", json={"attributes": {"имя": "Яна"}}).json["attributes"] == {"имя": "Яна"}
    changed = call("GET", "/Audit").json["results"][0]
    masked = {"attributes": dict.fromkeys(OWN, "***")}, {"attributes": {"имя": "***"}}
    assert (changed["before"], changed["after"]) == masked
    assert call("POST", "/Clients/1/opt_out").json["attributes"] == {"имя": "Яна"}
    assert call("PATCH", "/Clients/1", form={"attributes": ""}).json["attributes"] == {}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("имя=Анна", "A JSON object is expected"),
        ([], "A JSON object is expected"),
        ("[" * 100_000, "A JSON object is expected"),
        (7, "A JSON object is expected"),
        ({"first name": "x"}, "cannot be the name of an attribute"),
        ({"tag": "x"}, "tag and phone_number are taken"),
        ({"имя": 7}, "Not a valid string."),
        ({"имя": {"a": "b"}}, "Not a valid string."),
        ({"имя": "a\x00"}, "Null characters"),
        ({"имя": "a\nb"}, "one line"),
        ({"имя": "a" * 256}, "255 characters"),
        ({f"a{number}": "x" for number in range(21)}, "At most 20 attributes"),
        ({f"a{number}": "я" * 120 for number in range(5)}, "At most 1024 bytes"),
    ],
)
def test_an_invalid_attribute_is_refused_with_a_reason(call: Call, sent: object, expected: str) -> None:
    answer = register(call, attributes=sent)
    assert (answer.status, list(answer.json)) == (400, ["attributes"])
    assert expected in str(answer.json["attributes"])


def test_unknown_placeholders_are_refused_by_name(call: Call) -> None:
    register(call, attributes=OWN)
    refused = call("POST", "/Mailing", json={**TIMES, "message_text": "{имя}, {нет} {тоже|нет} {tag} {{x}} { y }"})
    assert refused.status == 400
    expected = "Unknown fields: нет, тоже. Known are tag, phone_number, город, имя."
    assert refused.json == {"message_text": [expected]}
    made = call("POST", "/Mailing", json={**TIMES, "message_text": "{имя|друг}, {tag} {{x}} { y } {"})
    assert made.status == 201
    refused = call("PATCH", "/Mailing/1", json={"message_text": "{нет}"})
    assert list(refused.json) == ["message_text"]
    assert (
        call("PATCH", "/Mailing/1", json={"datetime_end": "2042-01-01"}).json["message_text"]
        == made.json["message_text"]
    )
    many = " ".join(f"{{a{number}}}" for number in range(101))
    assert call("POST", "/Mailing", json={**TIMES, "message_text": many}).status == 400


def test_a_text_from_before_placeholders_can_be_sent_back_with_a_change(call: Call, services: Services) -> None:
    call("POST", "/Mailing", json={**TIMES, "message_text": "text"})
    old = [MailingRow.message_text.set("{промо}"), MailingRow.has_placeholders.remove()]
    MailingRow(1).update(actions=old)
    again = {**call("GET", "/Mailing/1").json, "datetime_end": "2042-01-01"}
    assert call("PUT", "/Mailing/1", json=again).status == 200
    found = services.mailings.get(1)
    assert found is not None
    assert not found.has_placeholders


def test_each_attribute_is_a_column_of_exports_and_imports(call: Call, services: Services) -> None:
    register(call, 0, attributes=OWN)
    register(call, 1, attributes={"имя": "=Яна"})
    register(call, 2)
    whole = call("GET", "/Clients/export").text
    lines = whole.split("\r\n")
    assert lines[0].endswith(";consent_withdrawn_at;registered_at;attributes.город;attributes.имя")
    assert [line.split(";")[-2:] for line in lines[1:4]] == [["Омск", "Анна"], ["", "'=Яна"], ["", ""]]
    for client_id in (1, 2, 3):
        call("DELETE", f"/Clients/{client_id}")
    call("POST", "/Clients/import", body=whole.encode(), content_type="text/csv")
    run_import(services, ImportClients(1), lambda: 60.0)
    assert [one["attributes"] for one in call("GET", "/Clients").json["results"]] == [OWN, {"имя": "=Яна"}, {}]


def test_the_parts_of_an_export_have_the_columns_of_the_first_part(call: Call) -> None:
    for number in range(3):
        register(call, number, attributes={"имя": f"Анна {number}"})
    whole = call("GET", "/Clients/export").text
    first = call("GET", "/Clients/export?limit=2")
    register(call, 3, attributes={"а": "б"})
    rest = call("GET", first.headers["Link"].partition(">")[0].removeprefix("<https://api.example.com"))
    assert (first.text + rest.text).startswith(whole)
    assert re.search(r";UTC;;;;;;20[^;]*;$", rest.text.splitlines()[-1]), (
        "the new client has only the values of existing columns"
    )


def test_exported_attributes_can_be_chosen_and_must_be_if_there_are_many(call: Call) -> None:
    register(call, attributes=OWN)
    assert (
        parts_of(call, "/Clients/export?attributes=имя, нет")[0]
        .text.splitlines()[0]
        .endswith(";consent_withdrawn_at;registered_at;attributes.имя;attributes.нет")
    )
    assert call("GET", "/Clients/export?attributes=").text.splitlines()[0].endswith(";registered_at")
    assert list(call("GET", "/Clients/export?attributes=a b").json) == ["attributes"]
    for number in range(3):
        register(call, number + 1, attributes={f"a{number}_{index}": "x" for index in range(20)})
    refused = call("GET", "/Clients/export")
    assert (refused.status, list(refused.json)) == (400, ["attributes"])
    assert call("GET", "/Clients/export?attributes=имя").status == 200
