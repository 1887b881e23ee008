from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.adapters.services import Services
from chalicelib.clients.registry import register_client
from chalicelib.errors import BadInput, NotWritten

from .conftest import Call

PHONE = "79774053329"


def test_a_client_is_created_by_a_form_as_published(call: Call) -> None:
    answer = call("POST", "/Clients", form={"phone_number": PHONE})
    assert answer.status == 201
    assert answer.json.pop("registered_at").startswith("20")
    assert {name: value for name, value in answer.json.items() if name != "registered_at"} == {
        "id": 1,
        "phone_number": PHONE,
        "operator_code": "977",
        "tag": None,
        "timezone": "UTC",
        "opted_out_at": None,
        "consent_at": None,
        "consent_source": None,
        "consent_text": None,
        "consent_withdrawn_at": None,
        "attributes": {},
    }


def test_a_client_is_created_by_json_with_its_phone_as_an_integer(call: Call) -> None:
    answer = call("POST", "/Clients", json={"phone_number": int(PHONE), "tag": " друзья ", "timezone": "Asia/Omsk"})
    assert answer.status == 201
    assert (answer.json["tag"], answer.json["timezone"]) == ("друзья", "Asia/Omsk")
    assert "друзья" in answer.text


@pytest.mark.parametrize("written", ["8 (977) 405-33-29", "+7 977 405-33-29", " 9774053329\n", 89774053329])
def test_a_phone_number_is_taken_as_people_write_it_and_answered_as_it_is_stored(
    call: Call, written: str | int
) -> None:
    answer = call("POST", "/Clients", json={"phone_number": written})
    assert (answer.status, answer.json["phone_number"]) == (201, PHONE)
    assert call("POST", "/Clients", json={"phone_number": PHONE}).status == 400, "taken"
    assert call("PATCH", "/Clients/1", form={"phone_number": str(written)}).json == answer.json
    for query in (PHONE, "8+(977)+405-33-29", "+7%20977%20405-33-29", "%2B7(977)4053329"):
        assert call("GET", f"/Clients?phone_number={query}").json["results"] == [answer.json]


@pytest.mark.parametrize("blank", ["", "   ", None])
def test_a_blank_tag_means_no_tag(call: Call, blank: str | None) -> None:
    assert call("POST", "/Clients", json={"phone_number": PHONE, "tag": blank}).json["tag"] is None


def test_a_client_can_be_sent_back_as_it_was_read(call: Call) -> None:
    created = call("POST", "/Clients", json={"phone_number": PHONE, "tag": "a"}).json
    assert call("PUT", "/Clients/1", json=created).json == created
    assert call("PATCH", "/Clients/1", json={**created, "tag": "b"}).json == {**created, "tag": "b"}
    assert call("GET", "/Clients/1").json["tag"] == "b"


def test_put_needs_every_required_field_and_patch_needs_none(call: Call) -> None:
    call("POST", "/Clients", form={"phone_number": PHONE})
    refused = call("PUT", "/Clients/1", json={"tag": "a"})
    assert (refused.status, refused.json) == (400, {"phone_number": ["This field is required."]})
    assert call("PATCH", "/Clients/1", json={}).status == 200
    assert call("PATCH", "/Clients/1").status == 200


def test_the_operator_code_follows_from_the_phone_number(call: Call) -> None:
    call("POST", "/Clients", form={"phone_number": PHONE})
    assert call("PATCH", "/Clients/1", form={"phone_number": "79210000001"}).json["operator_code"] == "921"
    assert call("GET", "/Clients?operator_code=921").json["results"] != []
    assert call("GET", "/Clients?operator_code=977").json["results"] == []


def test_a_deleted_client_is_not_found_and_its_phone_number_is_free(call: Call) -> None:
    call("POST", "/Clients", form={"phone_number": PHONE})
    answer = call("DELETE", "/Clients/1")
    assert (answer.status, answer.text) == (204, "")
    for method in ("GET", "PATCH", "DELETE"):
        assert call(method, "/Clients/1").status == 404
    assert call("POST", "/Clients", form={"phone_number": PHONE}).status == 201


def test_a_taken_phone_number_is_refused_on_creation_and_on_change(call: Call) -> None:
    call("POST", "/Clients", form={"phone_number": PHONE})
    call("POST", "/Clients", form={"phone_number": "79210000001"})
    expected = {"phone_number": ["A client with this phone number already exists."]}
    for method, path in (("POST", "/Clients"), ("PATCH", "/Clients/2"), ("PUT", "/Clients/2")):
        refused = call(method, path, form={"phone_number": PHONE})
        assert (refused.status, refused.json) == (400, expected)
    assert call("PATCH", "/Clients/1", form={"phone_number": PHONE}).status == 200, "the client may keep its own number"


def test_one_of_many_simultaneous_requests_for_a_phone_number_succeeds(services: Services) -> None:
    def register(_: int) -> bool:
        try:
            register_client(services, {"phone_number": PHONE})
        except BadInput:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(register, range(8))) == 1


def test_clients_are_found_by_tag_code_and_phone_number(call: Call) -> None:
    for phone, tag in ((PHONE, "a"), ("79770000001", "b"), ("79210000001", "a")):
        call("POST", "/Clients", json={"phone_number": phone, "tag": tag})

    def ids(query: str) -> list[int]:
        return [client["id"] for client in call("GET", f"/Clients?{query}").json["results"]]

    assert ids("") == [1, 2, 3]
    assert ids("tag=a") == [1, 3]
    assert ids("operator_code=977") == [1, 2]
    assert ids("tag=a&operator_code=977") == [1]
    assert ids(f"phone_number={PHONE}") == [1]
    assert ids(f"phone_number={PHONE}&tag=b") == []
    assert ids("phone_number=79000000000") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"phone": "7903"}, [1, 2]),
        ({"phone": "+7 (903)"}, [1, 2]),
        ({"phone": "4567"}, [1, 3]),
        ({"phone": "*9034567"}, []),
        ({"phone": "1234567"}, [1]),
        ({"phone": "790312345"}, [1]),
        ({"phone": "8 (903) 123-45-67"}, [1]),
        ({"phone": "7903", "tag": "b"}, [2]),
        ({"phone": "4567", "operator_code": "921"}, [3]),
        ({"attribute": "омск"}, [1, 3]),
        ({"attribute": "ГОРОД=омск"}, [1]),
        ({"attribute": "город=омск", "phone": "4567"}, [1]),
        ({"opted_out": "true"}, [2]),
        ({"opted_out": "false", "tag": "a"}, [1]),
        ({"phone": "1" * 9}, []),
    ],
)
def test_clients_are_found_by_what_people_type(call: Call, query: dict[str, str], found: list[int]) -> None:
    for phone, tag, attributes in (
        ("79031234567", "a", {"город": "Омск"}),
        ("79030000001", "b", {"город": "Тула"}),
        ("79210004567", None, {"улица": "Омская"}),
    ):
        call("POST", "/Clients", json={"phone_number": phone, "tag": tag, "attributes": attributes})
    call("POST", "/Clients/2/opt_out")
    answer = call("GET", f"/Clients?{urlencode(query)}").json
    assert ([client["id"] for client in answer["results"]], answer["next"]) == (found, None)


def test_what_is_no_part_of_a_phone_number_is_refused(call: Call) -> None:
    answer = call("GET", "/Clients?phone=anna&opted_out=maybe")
    assert answer.status == 400
    assert "7903" in answer.json["phone"][0]


def test_the_pages_together_are_the_whole_list(call: Call) -> None:
    for number in range(7):
        call("POST", "/Clients", json={"phone_number": f"7977000000{number}", "tag": "a"})
    for query in ("", "tag=a", "operator_code=977"):
        path, seen = f"/Clients?limit=3&{query}", []
        while path:
            page = call("GET", path).json
            seen.append([client["id"] for client in page["results"]])
            assert page["next"] is None or page["next"].startswith("https://api.example.com/Clients?")
            path = page["next"] and page["next"].removeprefix("https://api.example.com")
        assert seen == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_list_that_fits_one_page_has_no_next(call: Call) -> None:
    assert call("GET", "/Clients").json == {"next": None, "results": []}
    call("POST", "/Clients", form={"phone_number": PHONE})
    assert call("GET", "/Clients?limit=1").json["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("cursor=garbage", "cursor"),
        ("cursor=W10", "cursor"),
        ("cursor=WyJhIiwgMV0", "cursor"),
    ],
)
def test_an_invalid_limit_or_cursor_is_named(call: Call, query: str, field: str) -> None:
    answer = call("GET", f"/Clients?{query}")
    assert (answer.status, list(answer.json)) == (400, [field])


def test_a_limit_above_the_maximum_means_the_maximum(call: Call) -> None:
    assert call("GET", "/Clients?limit=99999").status == 200


@pytest.mark.parametrize("query", ["phone_number=" + "7" * 3000, "tag=" + "x" * 3000, "operator_code=" + "9" * 3000])
def test_a_filter_without_matches_gives_an_empty_list(call: Call, services: Services, query: str) -> None:
    services.clients.find_by_phone = services.clients.read = _refuse  # type: ignore[method-assign]
    assert call("GET", f"/Clients?{query}").json == {"next": None, "results": []}


def _refuse(*_: object) -> None:
    raise AssertionError("a key of this length is an error to DynamoDB")


class BusyLabels:
    """Do not take the first write, as a throttled table."""

    def __init__(self, labels: Any) -> None:
        self._labels, self._is_busy = labels, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._labels, name)

    def add_from(self, clients: Any) -> None:
        if self._is_busy:
            self._is_busy = False
            raise NotWritten("labels")
        self._labels.add_from(clients)


def test_the_repetition_of_a_registration_or_a_change_writes_the_labels_that_the_first_try_could_not(
    call: Call, services: Services
) -> None:
    anna, dates = {"phone_number": "79770000001", "attributes": {"city": "Omsk"}}, ("2040-01-01", "2040-01-02")
    mailing = {"datetime_start": dates[0], "datetime_end": dates[1], "message_text": "{city}"}
    services.labels = BusyLabels(services.labels)  # type: ignore[misc, assignment]
    assert [call("POST", "/Clients", json=anna, key="k").status for _ in range(2)] == [503, 201]
    assert call("POST", "/Mailing", json=mailing).status == 201
    services.labels = BusyLabels(services.labels)  # type: ignore[misc, assignment]
    change = {"attributes": {"street": "Lenina"}}
    assert [call("PATCH", "/Clients/1", json=change).status for _ in range(2)] == [503, 200]
    assert call("POST", "/Mailing", json={**mailing, "message_text": "{street}"}).status == 201
