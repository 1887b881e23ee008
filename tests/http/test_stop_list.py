"""The stop list over HTTP: it holds phone numbers, whatever happens to their clients."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.adapters.tables.client_row import PhoneRow

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


def test_a_number_without_a_client_is_stopped_looked_up_listed_and_resumed(call: Call) -> None:
    answer = call("POST", "/StopList/", form={"phone_number": PHONE, "reason": "asked in the shop"})
    stop = {"phone_number": PHONE, "reason": "asked in the shop", "source": "api", "client_id": None}
    assert (answer.status, {**answer.json, "opted_out_at": ""}) == (201, {**stop, "opted_out_at": ""})
    assert call("GET", f"/StopList/{PHONE}/").json == answer.json
    assert call("GET", "/StopList").json == {"next": None, "results": [answer.json]}
    client = call("POST", "/Clients", form={"phone_number": PHONE}).json
    assert client["opted_out_at"] == answer.json["opted_out_at"], "a client that is registered with it is opted out"
    assert call("GET", f"/StopList/{PHONE}").json == {**answer.json, "client_id": 1}
    call("DELETE", "/Clients/1")
    assert call("GET", f"/StopList/{PHONE}").json == answer.json
    assert call("DELETE", f"/StopList/{PHONE}").status == 204
    assert call("GET", f"/StopList/{PHONE}").status == 404 == call("DELETE", f"/StopList/{PHONE}").status
    assert call("POST", "/Clients", form={"phone_number": PHONE}).json["opted_out_at"] is None


def test_a_number_with_a_client_opts_the_client_out_and_in(call: Call, client: Any) -> None:
    stop = call("POST", "/StopList", json={"phone_number": PHONE, "opted_out_at": "2026-01-02T03:04:05Z"}).json
    assert stop == {
        "phone_number": PHONE,
        "opted_out_at": "2026-01-02T03:04:05Z",
        "reason": None,
        "source": "api",
        "client_id": 1,
    }
    assert call("GET", "/Clients/1").json["opted_out_at"] == stop["opted_out_at"]
    assert call("GET", f"/StopList/{PHONE}").json == stop
    assert call("DELETE", f"/StopList/{PHONE}").status == 204
    assert call("GET", "/Clients/1").json == client


def test_a_stop_that_exists_stays_as_it_is(call: Call, stopped: Any) -> None:
    before = call("GET", f"/StopList/{PHONE}").json
    again = call("POST", "/StopList", json={**before, "opted_out_at": "2020-01-01", "reason": "again"})
    assert (again.status, again.json) == (200, before)
    assert (before["opted_out_at"], before["source"]) == (stopped["opted_out_at"], "api")
    first = call("POST", "/StopList", form={"phone_number": "79210000001"}, key="k1")
    call("DELETE", "/StopList/79210000001")
    again = call("POST", "/StopList", form={"phone_number": "79210000001"}, key="k1")
    assert (again.status, again.json, again.headers["Idempotent-Replayed"]) == (201, first.json, "true")
    assert call("GET", "/StopList/79210000001").status == 404


def test_every_change_of_the_list_is_audited_without_the_number(call: Call) -> None:
    call("POST", "/StopList", form={"phone_number": PHONE, "reason": "asked in the shop"})
    call("POST", "/StopList", form={"phone_number": PHONE})
    call("DELETE", f"/StopList/{PHONE}")
    call("POST", "/Clients", form={"phone_number": PHONE})
    call("POST", "/StopList", form={"phone_number": PHONE, "reason": "a letter"})
    call("DELETE", f"/StopList/{PHONE}")
    records = call("GET", "/Audit").json["results"]
    shown = [(record["what"], record["action"], record["who"]) for record in reversed(records)]
    assert shown == [
        ("phone", "opted out", "shop"),
        ("phone", "opted in", "shop"),
        ("client", "made", "shop"),
        ("client", "opted out", "shop"),
        ("client", "opted in", "shop"),
    ]
    assert records[-1]["after"] == {**records[-2]["before"], "phone_number": "7977*******"}
    assert records[-1]["after"]["reason"] == "asked in the shop"
    assert records[1]["after"]["reason"] == "a letter"
    assert PHONE not in str(records)


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({}, {"phone_number"}),
        ({"phone_number": "7977", "reason": "a\nb"}, {"phone_number", "reason"}),
        ({"phone_number": PHONE, "reason": "x" * 101}, {"reason"}),
        ({"phone_number": PHONE, "reason": "the owner of +7 (977) 405-33-29"}, {"reason"}),
        ({"phone_number": PHONE, "opted_out_at": "yesterday", "since": "2026-01-01"}, {"opted_out_at", "since"}),
    ],
)
def test_a_wrong_stop_is_refused_by_field_and_nothing_is_written(call: Call, sent: Any, errors: set[str]) -> None:
    answer = call("POST", "/StopList", json=sent)
    assert (answer.status, set(answer.json)) == (400, errors)
    assert call("GET", "/StopList").json["results"] == []


def test_the_list_has_pages_and_an_unknown_number_is_not_found(call: Call, services: Services) -> None:
    numbers = [f"7921000000{number}" for number in range(7)]
    for number in numbers:
        call("POST", "/StopList", form={"phone_number": number})
    found, path = [], "/StopList?limit=3"
    while path:
        page = call("GET", path).json
        assert len(page["results"]) <= 3
        found += [stop["phone_number"] for stop in page["results"]]
        path = page["next"] and page["next"].removeprefix("https://api.example.com")
    assert sorted(found) == numbers
    for number in ("79990000000", "7", "x", "%2B79774053329"):
        assert call("GET", f"/StopList/{number}").status == 404
        assert call("DELETE", f"/StopList/{number}").status == 404
    assert call("GET", "/StopList?cursor=WzEsMl0x").status == 400
    reader = f"Token {make_token(services, 'rita', 'read')}"
    assert call("GET", "/StopList", authorization=reader).status == 200
    assert call("POST", "/StopList", form={"phone_number": PHONE}, authorization=reader).status == 403
    assert call("DELETE", f"/StopList/{numbers[0]}", authorization=reader).status == 403


def test_the_pages_of_the_list_go_on_after_a_stop_of_the_first_or_the_last_moment(call: Call) -> None:
    for number, since in enumerate(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] * 2):
        call("POST", "/StopList", form={"phone_number": f"7921000000{number}", "opted_out_at": since})
    for path in ("/StopList", "/StopList/export"):
        answer = call("GET", f"{path}?limit=1")
        for _ in range(3):
            link = answer.json["next"] if path == "/StopList" else answer.headers["Link"][1:].partition(">")[0]
            answer = call("GET", link.removeprefix("https://api.example.com"))
            assert answer.status == 200


def test_an_erased_number_is_refused_and_is_not_on_the_list(call: Call, stopped: Any) -> None:
    call("POST", "/Clients/1/erase")
    answer = call("POST", "/StopList", form={"phone_number": PHONE})
    assert (answer.status, set(answer.json)) == (400, {"phone_number"})
    assert call("GET", f"/StopList/{PHONE}").status == 404
    assert call("GET", "/StopList").json["results"] == []


def test_a_stop_of_an_earlier_version_is_listed_without_a_source(call: Call, services: Services) -> None:
    since = services.clock.now().replace(microsecond=0)
    services.stop_list.get(PHONE)
    PhoneRow(PHONE, opted_out_at=since).save()
    (stop,) = call("GET", "/StopList").json["results"]
    assert (stop["phone_number"], stop["source"], stop["reason"]) == (PHONE, None, None)
