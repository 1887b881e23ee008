"""Forget a person over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.clients.traces import erase_traces

from .conftest import Call

PHONE = "79774053329"


@pytest.fixture
def client(call: Call) -> Any:
    return call("POST", "/Clients", json={"phone_number": PHONE, "tag": "vip", "attributes": {"name": "Анна"}}).json


def test_an_erased_client_is_gone_from_every_table(
    call: Call, client: Any, services: Services, written: Callable[[], list[Any]]
) -> None:
    call("PATCH", "/Clients/1", json={"attributes": {"name": "Анна Ивановна"}})
    call("POST", "/Clients/1/opt_out")
    answer = call("POST", "/Clients/1/erase/")
    assert (answer.status, answer.json) == (202, {"client_id": 1, "stays_refused": True})
    assert erase_traces(services, "client#1", lambda: 60.0)
    assert not [row for row in written() if PHONE in str(row) or "Анна" in str(row)]
    records = call("GET", "/Audit").json["results"]
    assert [record["action"] for record in records[:2]] == ["traces erased", "erased"]


def test_an_unknown_client_is_not_found_and_the_read_role_is_refused(
    call: Call, client: Any, services: Services
) -> None:
    reader = f"Token {make_token(services, 'rita', 'read')}"
    assert [call("POST", f"/Clients/{name}/erase").status for name in ("7", "x")] == [404, 404]
    for path in ("/Clients/1/erase", "/Clients/erase", "/Clients/readmit"):
        assert call("POST", path, json={"phone_number": PHONE}, authorization=reader).status == 403
        assert call("GET", path).status == 405
    assert call("POST", "/Clients/1/erase", json={"reason": "rain"}).json == {"reason": ["Unknown field."]}
    assert call("GET", "/Clients/1").json == client


def test_a_repetition_finds_no_client_and_with_a_key_the_first_answer(call: Call, client: Any) -> None:
    first = call("POST", "/Clients/1/erase", key="k1")
    again = call("POST", "/Clients/1/erase", key="k1")
    assert (again.status, again.json, again.headers["Idempotent-Replayed"]) == (202, first.json, "true")
    assert call("POST", "/Clients/1/erase").status == 404


def test_a_person_is_erased_by_phone_number_with_or_without_a_client(call: Call, client: Any) -> None:
    call("POST", "/Clients/1/opt_out")
    for client_id in (1, None):
        answer = call("POST", "/Clients/erase/", form={"phone_number": PHONE})
        assert (answer.status, answer.json) == (202, {"client_id": client_id, "stays_refused": True})
    assert list(call("POST", "/Clients/erase/", form={"phone_number": "1"}).json) == ["phone_number"]
    assert list(call("POST", "/Clients/erase/").json) == ["phone_number"]


def test_a_refused_number_says_how_it_comes_back(call: Call, client: Any) -> None:
    call("POST", "/Clients/1/opt_out")
    call("POST", "/Clients/1/erase")
    refused = call("POST", "/Clients", json={"phone_number": PHONE})
    assert refused.status == 400
    assert "POST /Clients/readmit/" in refused.json["phone_number"][0]
    call("POST", "/Clients", json={"phone_number": "79210000001"})
    assert call("PATCH", "/Clients/3", json={"phone_number": PHONE}).json == refused.json
    answer = call("POST", "/Clients/readmit/", json={"phone_number": PHONE})
    assert (answer.status, answer.json) == (200, {"client_id": None, "stays_refused": False})
    assert call("POST", "/Clients/readmit/", json={"phone_number": PHONE}).status == 400
    assert call("POST", "/Clients", json={"phone_number": PHONE}).json["opted_out_at"] is None
