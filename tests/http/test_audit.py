"""Who did what, over HTTP."""

from __future__ import annotations

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from tests.http.conftest import Call

MAILING = {"datetime_start": "2040-01-01T10:00:00", "datetime_end": "2040-01-01T12:00:00", "message_text": "hello"}


def test_every_change_says_who_made_it_and_what_was_before_and_after(call: Call) -> None:
    client = call("POST", "/Clients", json={"phone_number": "79770000001"}).json
    call("PATCH", f"/Clients/{client['id']}", json={"tag": "vip"})
    call("DELETE", f"/Clients/{client['id']}")
    records = call("GET", "/Audit").json["results"]
    assert [record["action"] for record in records] == ["removed", "changed", "made"]
    assert {(record["who"], record["what"], record["id"]) for record in records} == {
        ("anna", "client", str(client["id"]))
    }
    removed, changed, made = records
    assert (made["before"], made["after"]) == (None, client)
    assert (changed["before"], changed["after"]) == ({"tag": None}, {"tag": "vip"})
    assert (removed["before"], removed["after"]) == ({**client, "tag": "vip"}, None)


def test_steps_of_a_mailing_have_names_of_their_own(call: Call) -> None:
    mailing = call("POST", "/Mailing", json=MAILING).json
    call("PATCH", f"/Mailing/{mailing['id']}", json={"message_text": "bye"})
    call("POST", f"/Mailing/{mailing['id']}/cancel")
    call("DELETE", f"/Mailing/{mailing['id']}")
    records = call("GET", "/Audit").json["results"]
    assert [record["action"] for record in records] == ["removed", "cancelled", "changed", "made"]
    assert records[1]["after"] == {"status": "cancelled"}
    assert records[2]["before"] == {"message_text": "hello"}


def test_what_was_refused_or_changed_nothing_leaves_no_record(call: Call, services: Services) -> None:
    client = call("POST", "/Clients", json={"phone_number": "79770000001"}).json
    call("POST", "/Clients", json={"phone_number": "79770000001"})
    call("PATCH", f"/Clients/{client['id']}", json={"tag": None})
    call("PATCH", f"/Clients/{client['id']}", json={"timezone": "Mars/Base"})
    assert len(call("GET", "/Audit").json["results"]) == 1


def test_records_come_in_pages_and_may_be_read_with_the_read_role(call: Call, services: Services) -> None:
    for number in range(3):
        call("POST", "/Clients", json={"phone_number": f"7977000000{number}"})
    reader = f"Token {make_token(services, 'oleg', 'read')}"
    first = call("GET", "/Audit?limit=2", authorization=reader).json
    assert [record["after"]["phone_number"][-1] for record in first["results"]] == ["2", "1"]
    second = call("GET", first["next"].removeprefix("https://api.example.com"), authorization=reader).json
    assert [record["after"]["phone_number"][-1] for record in second["results"]] == ["0"]


def test_a_cursor_that_is_not_ours_is_refused(call: Call) -> None:
    assert call("GET", "/Audit?cursor=nonsense").status == 400
