"""The audit over HTTP."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.domain.audit_record import Author
from tests.http.conftest import Call

MAILING = {"datetime_start": "2040-01-01T10:00:00", "datetime_end": "2040-01-01T12:00:00", "message_text": "hello"}


def test_every_change_is_recorded_with_its_author_and_the_fields_before_and_after(call: Call) -> None:
    client = call("POST", "/Clients", json={"phone_number": "79770000001"}).json
    call("PATCH", f"/Clients/{client['id']}", json={"tag": "vip"})
    call("DELETE", f"/Clients/{client['id']}")
    records = call("GET", "/Audit").json["results"]
    assert [record["action"] for record in records] == ["removed", "changed", "made"]
    assert {(record["who"], record["what"], record["id"]) for record in records} == {
        ("shop", "client", str(client["id"]))
    }
    removed, changed, made = records
    client |= {"phone_number": "7977*******"}
    assert (made["before"], made["after"]) == (None, client)
    assert (changed["before"], changed["after"]) == ({"tag": None}, {"tag": "vip"})
    assert (removed["before"], removed["after"]) == ({**client, "tag": "vip"}, None)


def test_each_step_of_a_mailing_has_its_own_name(call: Call) -> None:
    mailing = call("POST", "/Mailing", json=MAILING).json
    call("PATCH", f"/Mailing/{mailing['id']}", json={"message_text": "bye"})
    call("POST", f"/Mailing/{mailing['id']}/cancel")
    call("DELETE", f"/Mailing/{mailing['id']}")
    records = call("GET", "/Audit").json["results"]
    assert [record["action"] for record in records] == ["removed", "cancelled", "changed", "made"]
    assert records[1]["after"] == {"status": "cancelled"}
    assert records[2]["before"] == {"message_text": "hello"}


def test_refused_requests_and_requests_without_a_change_leave_no_record(call: Call, services: Services) -> None:
    client = call("POST", "/Clients", json={"phone_number": "79770000001"}).json
    call("POST", "/Clients", json={"phone_number": "79770000001"})
    call("PATCH", f"/Clients/{client['id']}", json={"tag": None})
    call("PATCH", f"/Clients/{client['id']}", json={"timezone": "Mars/Base"})
    assert len(call("GET", "/Audit").json["results"]) == 1


def test_records_are_paginated_and_readable_with_the_read_role(call: Call, services: Services) -> None:
    for number in range(3):
        call("POST", "/Clients", json={"phone_number": f"7977000000{number}"})
    reader = f"Token {make_token(services, 'oleg', 'read')}"
    first = call("GET", "/Audit?limit=2", authorization=reader).json
    assert [record["after"]["id"] for record in first["results"]] == [3, 2]
    second = call("GET", first["next"].removeprefix("https://api.example.com"), authorization=reader).json
    assert [record["after"]["id"] for record in second["results"]] == [1]


def test_an_invalid_cursor_is_refused(call: Call) -> None:
    assert call("GET", "/Audit?cursor=nonsense").status == 400


def found(call: Call, **query: str) -> list[tuple[str, str]]:
    """All records by following `next`, as kind and id."""
    records, path = [], f"/Audit?{urlencode({**query, 'limit': 2})}"
    while path:
        answer = call("GET", path).json
        records += answer["results"]
        path = (answer["next"] or "").removeprefix("https://api.example.com")
    return [(record["what"], record["id"]) for record in records]


def test_records_are_filtered_by_author_kind_object_and_time(call: Call, services: Services) -> None:
    other = f"Token {make_token(services, 'till', 'admin')}"
    for number in range(3):
        call("POST", "/Clients", json={"phone_number": f"7977000000{number}"})
    call("POST", "/Mailing", json=MAILING, authorization=other)
    now = services.clock.now()
    yesterday, tomorrow = (now + timedelta(days=days) for days in (-1, 1))
    old = Author("shop", yesterday, 0.5).record("client", 1, {"tag": "vip"}, None)
    services.audit.add(old)
    assert found(call, who="till") == [("mailing", "1")]
    assert found(call, what="client", id="1") == [("client", "1"), ("client", "1")]
    assert found(call, what="client", at_before=f"{now:%Y-%m-%d}") == [("client", "1")]
    assert len(found(call, at_from=f"{now:%Y-%m-%d}", at_before=f"{tomorrow:%Y-%m-%dT%H:%M:%S}")) == 4
    assert found(call, at_from=f"{tomorrow:%Y-%m-%d}") == []
    assert found(call, who="nobody") == []
    assert len(found(call, who="", what="")) == 5


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("what=clients", "what"),
        ("at_from=yesterday", "at_from"),
        ("at_from=2026-11-27&at_before=2026-11-27", "at_before"),
        (f"who={'x' * 300}", "who"),
        ("when=now", "when"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused_with_its_name(call: Call, query: str, field: str) -> None:
    answer = call("GET", f"/Audit?{query}")
    assert (answer.status, list(answer.json)) == (400, [field])
