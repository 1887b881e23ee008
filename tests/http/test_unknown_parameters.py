"""Unknown and repeated parameters are refused by name: a misspelt filter must not reach everyone."""

from __future__ import annotations

import json

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.api.operations import OPERATIONS, Operation

from .conftest import Call

CLIENT = {"phone_number": "79770000001"}
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
REPEATED = "Given more than once: one value is expected."
OURS = [operation for operation in OPERATIONS if operation.caller == "token"]


@pytest.mark.parametrize("operation", OURS, ids=lambda one: f"{one.method} {one.path}")
def test_every_call_refuses_an_unknown_parameter_by_name(call: Call, services: Services, operation: Operation) -> None:
    path = operation.path.replace("{id}", "1")
    own = {"authorization": f"Token {make_token(services, 'oleg', 'approver')}"} if "approve" in path else {}
    for method in (operation.method.upper(), "HEAD")[: 2 if operation.method == "get" else 1]:
        answer = call(method, f"{path}?tagg=vip&status_=x", **own)
        assert answer.status == 400
        assert list(answer.json) == ["tagg", "status_"]
        assert all(name in answer.text for name in operation.query_names)


@pytest.mark.parametrize("operation", OURS, ids=lambda one: f"{one.method} {one.path}")
def test_every_described_parameter_is_known(call: Call, operation: Operation) -> None:
    for name in operation.query_names:
        answer = call(operation.method.upper(), f"{operation.path.replace('{id}', '1')}?{name}=1")
        assert "Unknown query parameter" not in answer.text


@pytest.mark.parametrize(
    "path", ["/Clients/?tag=a&tag=b", "/Clients/export/?limit=1&limit=2", "/Stats/1/?status=&status="]
)
def test_a_repeated_parameter_is_refused(call: Call, path: str) -> None:
    answer = call("GET", path)
    assert (answer.status, list(answer.json.values())) == (400, [[REPEATED]])


def test_the_method_and_the_role_are_refused_first(call: Call, services: Services) -> None:
    assert call("DELETE", "/Clients/?x=1").status == 405
    reader = f"Token {make_token(services, 'boris', 'read')}"
    assert call("POST", "/Clients/?x=1", authorization=reader).status == 403


@pytest.mark.parametrize(
    ("body", "content_type", "field"),
    [
        (b"phone_number=79770000001&tag=a&tag=b", FORM, "tag"),
        (b"phone_number=79770000001&tag=a&tag=a", FORM, "tag"),
        (b'{"phone_number": "79770000001", "tag": "a", "tag": "b"}', JSON, "tag"),
        ('{"phone_number": "79770000001", "attributes": {"имя": "a", "имя": "b"}}'.encode(), JSON, "имя"),
        (b"phone_number=79770000001&attributes=%7B%22a%22%3A%221%22%2C%22a%22%3A%222%22%7D", FORM, "attributes"),
    ],
)
def test_a_repeated_field_is_refused(call: Call, body: bytes, content_type: str, field: str) -> None:
    answer = call("POST", "/Clients/", body=body, content_type=content_type)
    assert (answer.status, list(answer.json)) == (400, [field])
    assert REPEATED in answer.json[field][0]


def test_an_attribute_in_two_spellings_is_refused(call: Call) -> None:
    answer = call("POST", "/Clients/", json={**CLIENT, "attributes": {"май": "a", "маи\u0306": "b"}})
    assert (answer.status, REPEATED in answer.json["attributes"][0]) == (400, True)


def test_a_new_client_is_not_put_on_the_stop_list_by_a_field(call: Call) -> None:
    answer = call("POST", "/Clients/", json={**CLIENT, "opted_out_at": "2026-01-01T00:00:00Z", "tag": "a,b"})
    assert (answer.status, list(answer.json)) == (400, ["tag", "opted_out_at"])
    assert "/opt_out/" in answer.json["opted_out_at"][0]
    assert call("GET", "/Clients/").json["results"] == []
    for blank in (None, ""):
        assert call("POST", "/Clients/", json={**CLIENT, "opted_out_at": blank}).status == 201
        call("DELETE", f"/Clients/{call('GET', '/Clients/').json['results'][0]['id']}/")


def test_what_was_read_can_be_sent_back(call: Call) -> None:
    call("POST", "/Clients/", form=CLIENT)
    call("POST", "/Clients/1/opt_out/")
    shown = call("GET", "/Clients/1/").json
    assert shown["opted_out_at"] is not None
    for method in ("PUT", "PATCH"):
        answer = call(method, "/Clients/1/", body=json.dumps(shown).encode(), content_type=JSON)
        assert (answer.status, answer.json) == (200, shown)
        assert call(method, "/Clients/1/", json={**shown, "opted_out_at": None}).json == shown
        assert call(method, "/Clients/1/", json={**shown, "opted_out_at": "2020-01-01"}).status == 400
    call("POST", "/Clients/1/opt_in/")
    assert call("PATCH", "/Clients/1/", json=shown).status == 400
    assert call("PATCH", "/Clients/9/", json=shown).status == 404
