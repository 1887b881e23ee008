"""Each request is one line in the log: the caller, the route, the objects and the status."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.services import Services

from .conftest import Call

Lines = Callable[[], list[dict[str, Any]]]


def test_a_request_is_one_line_with_its_caller_route_object_and_status(call: Call, token: str, lines: Lines) -> None:
    call("GET", "/Stats/12?status=sent")
    (line,) = lines()
    assert (line["message"], line["method"], line["route"]) == ("request", "GET", "/Stats/{mailing_id}")
    assert (line["status"], line["mailing_id"], line["who"]) == (404, 12, "shop")
    assert line["milliseconds"] >= 0
    assert line["function"]
    assert line["request_id"]
    assert token not in json.dumps(line)


def test_a_created_object_is_named_although_its_id_is_not_in_the_address(call: Call, lines: Lines) -> None:
    call("POST", "/Clients", json={"phone_number": "79774053329", "tag": "secret"})
    start, end = (datetime.now(UTC) + timedelta(hours=hours) for hours in (1, 2))
    times = {"datetime_start": start.isoformat(), "datetime_end": end.isoformat()}
    call("POST", "/Mailing", json={**times, "message_text": "secret"})
    registered, announced = lines()
    assert (registered["status"], registered["client_id"]) == (201, 1)
    assert (announced["status"], announced["mailing_id"]) == (201, 1)
    assert "client_id" not in announced, "a line names only the objects of its own request"
    assert "secret" not in json.dumps(lines())
    assert "4053329" not in json.dumps(lines())


@pytest.mark.parametrize(
    "path",
    ["/Clients/79774053329", "/Clients?phone_number=79774053329", "/Clients?phone=4053329", "/Clients/a79774053329"],
)
def test_a_phone_number_in_an_address_is_not_logged(call: Call, lines: Lines, path: str) -> None:
    call("GET", path)
    assert "4053329" not in json.dumps(lines())


def test_an_unexpected_error_is_logged_in_json_and_masked(call: Call, services: Services, lines: Lines) -> None:
    def get(client_id: int) -> None:
        raise ValueError("79774053329 is no number")

    services.clients.get = get  # type: ignore[method-assign, assignment]
    assert call("GET", "/Clients/7").status == 500
    error, request = lines()
    assert (error["exception_name"], error["client_id"], error["who"]) == ("ValueError", 7, "shop")
    assert "7977******* is no number" in error["exception"]
    assert (request["status"], request["client_id"]) == (500, 7)
    assert "4053329" not in json.dumps(lines())


def test_a_page_request_of_the_console_is_one_line(call: Call, lines: Lines) -> None:
    call("GET", "/console/mailings/12", authorization=None)
    (line,) = lines()
    assert (line["route"], line["mailing_id"], line["status"]) == ("/console/mailings/{mailing_id}", 12, 303)
    assert "who" not in line
