"""A mailing that would reach nobody, or names a tag that nobody has, is announced with a warning."""

from __future__ import annotations

import pytest

from chalicelib.adapters.services import Services
from chalicelib.delivery.fanout import start_mailing

from .conftest import Call

MAILING = {"datetime_start": "2040-08-20", "datetime_end": "2040-08-22", "message_text": "text"}
NOBODY = "The mailing has no recipients now. They are chosen at its start."


@pytest.fixture
def clients(call: Call) -> None:
    call("POST", "/Clients", form={"phone_number": "79770000001", "tag": "vip"})
    call("POST", "/Clients", form={"phone_number": "79210000002", "tag": "stopped"})
    call("POST", "/Clients/2/opt_out")


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize(
    ("filters", "warnings"),
    [
        ({}, None),
        ({"filter_tag": "vip"}, None),
        ({"filter_tag": "vip,stopped"}, None),
        ({"filter_op_codes": "977,999"}, None),
        ({"filter_tag": "vip,vipp"}, ["No client has these tags now: vipp."]),
        ({"filter_tag": "вип, vipp"}, ["No client has these tags now: вип, vipp.", NOBODY]),
        ({"filter_tag": "stopped"}, [NOBODY]),
        ({"filter_op_codes": "999"}, [NOBODY]),
        ({"filter_tag": "vip", "filter_op_codes": "921"}, [NOBODY]),
    ],
)
def test_an_announcement_says_which_tags_nobody_has_and_that_nobody_is_reached(
    call: Call, filters: dict[str, str], warnings: list[str] | None
) -> None:
    answer = call("POST", "/Mailing", form={**MAILING, **filters})
    assert answer.status == 201
    assert answer.json.get("warnings") == warnings
    assert call("POST", "/Mailing/preview", form={**MAILING, **filters}).json.get("warnings") == warnings
    assert "warnings" not in call("GET", "/Mailing/1").json, "the warnings are of the moment of the announcement"


def test_a_mailing_to_everyone_without_clients_has_a_warning(call: Call) -> None:
    assert call("POST", "/Mailing", form=MAILING).json["warnings"] == [NOBODY]


@pytest.mark.usefixtures("clients")
def test_a_change_of_the_filter_has_the_warnings_too(call: Call, services: Services) -> None:
    call("POST", "/Mailing", form=MAILING)
    assert call("PATCH", "/Mailing/1", form={"filter_tag": "vipp"}).json["warnings"][1] == NOBODY
    assert "warnings" not in call("PATCH", "/Mailing/1", form={"message_text": "other"}).json
    assert "warnings" not in call("PATCH", "/Mailing/1", form={"filter_tag": "vip"}).json
    call("PATCH", "/Mailing/1", form={"filter_tag": "vipp", "datetime_start": "2026-01-01"})
    start_mailing(services, 1)
    assert "warnings" not in call("PATCH", "/Mailing/1", form={"filter_tag": "vipp"}).json, "the audience is taken"


def test_a_mailing_in_the_past_has_no_warnings(call: Call) -> None:
    past = {"datetime_start": "2022-08-22", "datetime_end": "2022-08-20", "message_text": "x"}
    assert "warnings" not in call("POST", "/Mailing", form=past).json


def test_a_repeated_request_has_the_same_warnings(call: Call) -> None:
    first = call("POST", "/Mailing", form=MAILING, key="k1")
    assert call("POST", "/Mailing", form=MAILING, key="k1").json == first.json


def test_a_mailing_is_announced_even_if_its_audience_cannot_be_read(call: Call, services: Services) -> None:
    """An error after the mailing is written would make the caller announce it again."""
    services.clients.read = unreadable  # type: ignore[method-assign]
    answer = call("POST", "/Mailing/", json={**MAILING, "filter_tag": "vip"})
    assert answer.status == 201
    assert "warnings" not in answer.json


MALFORMED = (
    'Not a placeholder, sent as it is written: "{tag!". A placeholder is a name between two braces, without spaces: '
    "{tag}, or {tag|friend} with a text for clients without a value."
)


@pytest.mark.usefixtures("clients")
def test_a_malformed_placeholder_is_named_and_not_refused(call: Call) -> None:
    wrong = {**MAILING, "message_text": "Hello, {tag!"}
    assert call("POST", "/Mailing/preview", form=wrong).json["warnings"] == [MALFORMED]
    assert call("POST", "/Mailing", form=wrong).json["warnings"] == [MALFORMED]
    assert "warnings" not in call("PATCH", "/Mailing/1", form={"message_text": "Hello, {tag}!"}).json
    assert call("PATCH", "/Mailing/1", form={"message_text": "Hello, {tag!"}).json["warnings"] == [MALFORMED]
    assert "warnings" not in call("PATCH", "/Mailing/1", form={"datetime_end": "2040-08-23"}).json


def unreadable(*_: object) -> None:
    raise ConnectionError
