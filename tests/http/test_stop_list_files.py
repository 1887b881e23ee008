"""Files of the stop list over HTTP, and what opted-out people of a file of clients get."""

from __future__ import annotations

from typing import Any

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import run_import
from chalicelib.delivery.dead_letters import read_job
from chalicelib.domain.jobs import ImportClients

from .conftest import Call


def post(call: Call, path: str, content: str, **more: Any) -> Any:
    return call("POST", path, body=content.encode(), content_type="text/csv", **more)


def work(services: Services) -> None:
    for message in services.imports_queue.receive():
        job = read_job(services, message.body, ImportClients)
        assert job is not None
        assert run_import(services, job, lambda: 60.0) is None
        services.imports_queue.delete([message.receipt_handle])


def by_phone(answer: Any) -> dict[str, Any]:
    return {one["phone_number"]: one for one in answer.json["results"]}


def test_a_file_of_the_stop_list_is_imported_and_its_refused_rows_can_be_corrected(
    call: Call, services: Services
) -> None:
    call("POST", "/Clients", form={"phone_number": "79770000001"})
    file = "phone_number;reason\n79770000001;asked in the shop\n79770000002;\n7977;=letter\n"
    answer = post(call, "/StopList/import?file_name=stops.csv", file, key="k1")
    assert (answer.status, answer.json["kind"], answer.json["id"]) == (202, "stop_list", 1)
    assert post(call, "/StopList/import?file_name=stops.csv", file, key="k1").json == answer.json
    work(services)
    one = call("GET", "/Clients/import/1").json
    assert (one["kind"], one["status"], one["added"], one["refused"]) == ("stop_list", "finished", 2, 1)
    stops = by_phone(call("GET", "/StopList"))
    assert {phone: (stop["reason"], stop["source"], stop["client_id"]) for phone, stop in stops.items()} == {
        "79770000001": ("asked in the shop", "import", 1),
        "79770000002": (None, "import", None),
    }
    assert call("GET", "/Clients/1").json["opted_out_at"] == stops["79770000001"]["opted_out_at"]
    refused = call("GET", "/Clients/import/1/refused").text
    lines = refused.splitlines()
    assert lines[0] == "\ufeffphone_number;reason;refused_because"
    assert lines[1].startswith("7977;'=letter;")
    assert post(call, "/StopList/import", refused.replace("7977;", "79770000003;")).status == 202
    work(services)
    assert call("GET", "/StopList/79770000003").json["reason"] == "=letter"


def test_another_file_is_refused_at_once_and_the_read_role_cannot_import(call: Call, services: Services) -> None:
    answer = post(call, "/StopList/import", "phone_number;tag\n79770000001;a\n")
    assert (answer.status, set(answer.json)) == (400, {"tag"})
    assert "some of phone_number, reason, opted_out_at" in answer.json["tag"][0]
    reader = f"Token {make_token(services, 'rita', 'read')}"
    assert post(call, "/StopList/import", "phone_number\n79770000001\n", authorization=reader).status == 403
    assert call("GET", "/StopList/import").status == 405
    assert call("GET", "/Clients/import").json["results"] == []


def test_people_who_had_opted_out_stay_opted_out_on_a_new_stack(call: Call, services: Services) -> None:
    """The new stack is the same one without its rows."""
    for number in range(1, 5):
        call("POST", "/Clients", form={"phone_number": f"7977000000{number}"})
    call("POST", "/Clients/2/opt_out")
    for number in (3, 9):
        call("POST", "/StopList", form={"phone_number": f"7977000000{number}", "reason": f"letter {number}"})
    call("POST", "/Clients/4/opt_out")
    call("DELETE", "/Clients/4")
    before = by_phone(call("GET", "/StopList"))
    assert set(before) == {f"7977000000{number}" for number in (2, 3, 4, 9)}
    clients, stops = call("GET", "/Clients/export").text, call("GET", "/StopList/export").text
    for number in (2, 3, 4, 9):
        call("DELETE", f"/StopList/7977000000{number}")
    for number in range(1, 4):
        call("DELETE", f"/Clients/{number}")
    assert call("GET", "/StopList").json["results"] == call("GET", "/Clients").json["results"] == []

    post(call, "/StopList/import", stops)
    work(services)
    post(call, "/Clients/import", clients)
    work(services)
    after = by_phone(call("GET", "/StopList"))
    kept = ("phone_number", "opted_out_at", "reason")
    assert [{name: after[phone][name] for name in kept} for phone in sorted(after)] == [
        {name: before[phone][name] for name in kept} for phone in sorted(before)
    ]
    found = by_phone(call("GET", "/Clients"))
    assert {phone for phone, client in found.items() if client["opted_out_at"] is None} == {"79770000001"}


def test_the_export_of_clients_alone_keeps_its_clients_opted_out_too(call: Call, services: Services) -> None:
    for number in (1, 2):
        call("POST", "/Clients", form={"phone_number": f"7977000000{number}"})
    since = call("POST", "/Clients/2/opt_out").json["opted_out_at"]
    clients = call("GET", "/Clients/export").text
    call("POST", "/Clients/2/opt_in")
    for number in (1, 2):
        call("DELETE", f"/Clients/{number}")
    post(call, "/Clients/import", clients)
    work(services)
    assert {phone: client["opted_out_at"] for phone, client in by_phone(call("GET", "/Clients")).items()} == {
        "79770000001": None,
        "79770000002": since,
    }
