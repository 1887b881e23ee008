"""The stop list over HTTP: it holds phone numbers, whatever happens to their clients."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services

from .conftest import Call

PHONE = "79774053329"


@pytest.fixture
def client(call: Call) -> Any:
    return call("POST", "/Clients", form={"phone_number": PHONE}).json


@pytest.fixture
def stopped(call: Call, client: Any) -> Any:
    return call("POST", "/Clients/1/opt_out/").json


def test_opt_out_and_opt_in_return_the_client(call: Call, client: Any) -> None:
    assert client["opted_out_at"] is None
    answer = call("POST", "/Clients/1/opt_out/")
    assert answer.status == 200
    assert answer.json["opted_out_at"].endswith("Z")
    assert {**answer.json, "opted_out_at": None} == client
    assert call("POST", "/Clients/1/opt_out").json == answer.json == call("GET", "/Clients/1").json
    for _ in range(2):
        answer = call("POST", "/Clients/1/opt_in/")
        assert (answer.status, answer.json) == (200, client)


def test_opt_out_and_opt_in_are_recorded_once_each_with_their_own_names(call: Call, stopped: Any) -> None:
    call("POST", "/Clients/1/opt_out")
    call("POST", "/Clients/1/opt_in")
    call("POST", "/Clients/1/opt_in")
    records = call("GET", "/Audit").json["results"]
    assert [record["action"] for record in records] == ["opted in", "opted out", "made"]
    assert records[1]["before"] == {"opted_out_at": None}
    assert records[1]["after"] == {"opted_out_at": stopped["opted_out_at"]}


def test_an_unknown_client_is_not_found_and_the_read_role_is_refused(
    call: Call, services: Services, client: Any
) -> None:
    reader = f"Token {make_token(services, 'rita', 'read')}"
    for step in ("opt_out", "opt_in"):
        assert call("POST", f"/Clients/7/{step}").status == 404
        assert call("POST", f"/Clients/x/{step}").status == 404
        assert call("POST", f"/Clients/1/{step}", authorization=reader).status == 403
        assert call("GET", f"/Clients/1/{step}").status == 405
        assert call("POST", f"/Clients/1/{step}", json={"reason": "rain"}).json == {"reason": ["Unknown field."]}
    assert call("GET", "/Clients/1").json == client


def test_a_repeated_request_gets_the_first_answer(call: Call, client: Any) -> None:
    first = call("POST", "/Clients/1/opt_out", key="k1")
    call("POST", "/Clients/1/opt_in")
    again = call("POST", "/Clients/1/opt_out", key="k1")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert call("GET", "/Clients/1").json["opted_out_at"] is None


def test_opted_out_is_read_only_in_other_requests(call: Call, stopped: Any) -> None:
    assert call("PUT", "/Clients/1", json={**stopped, "opted_out_at": None}).json == stopped
    assert call("PATCH", "/Clients/1", json={"tag": "vip"}).json == {**stopped, "tag": "vip"}
    sent = {"phone_number": "79210000001", "opted_out_at": "2026-01-01T00:00:00Z"}
    assert call("POST", "/Clients", json=sent).status == 400


def test_a_client_created_with_a_stopped_number_is_opted_out(call: Call, stopped: Any) -> None:
    assert call("DELETE", "/Clients/1").status == 204
    again = call("POST", "/Clients", form={"phone_number": PHONE}, key="k1")
    assert (again.status, again.json) == (201, {**stopped, "id": 2})
    assert call("POST", "/Clients", form={"phone_number": PHONE}, key="k1").json == again.json
    assert call("POST", "/Clients", form={"phone_number": PHONE}).status == 400, "the number is taken"
    assert call("GET", "/Audit").json["results"][0]["after"]["opted_out_at"] == stopped["opted_out_at"]
    call("POST", "/Clients/2/opt_in")
    call("DELETE", "/Clients/2")
    assert call("POST", "/Clients", form={"phone_number": PHONE}).json["opted_out_at"] is None


def test_a_stop_follows_the_client_to_a_new_number_and_remains_on_the_old_one(call: Call, stopped: Any) -> None:
    moved = call("PATCH", "/Clients/1", form={"phone_number": "79210000001"}).json
    assert moved["opted_out_at"] == stopped["opted_out_at"]
    assert call("POST", "/Clients", form={"phone_number": PHONE}).json["opted_out_at"] == stopped["opted_out_at"]
    call("POST", "/Clients", form={"phone_number": "79210000002"})
    call("DELETE", "/Clients/1")
    assert call("PATCH", "/Clients/3", form={"phone_number": PHONE}).status == 400
    taken = call("PATCH", "/Clients/3", form={"phone_number": "79210000001"}).json
    assert taken["opted_out_at"] == stopped["opted_out_at"], "a client that takes a stopped number is opted out"


def test_an_export_shows_opted_out_clients(call: Call, stopped: Any) -> None:
    call("POST", "/Clients", form={"phone_number": "79210000001"})
    lines = call("GET", "/Clients/export").text.splitlines()
    assert [line.split(";")[5] for line in lines] == ["opted_out_at", stopped["opted_out_at"], ""]
