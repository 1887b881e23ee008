"""POST /Mailing/preview/: the audience and the forecast of a mailing that is not announced. Nothing is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.clients.registry import opt_out_client, register_client

from .conftest import Call

START = datetime(2030, 6, 3, 6, tzinfo=UTC)
FIELDS = {
    "datetime_start": START.isoformat(),
    "datetime_end": (START + timedelta(hours=1)).isoformat(),
    "message_text": "Привет, {имя|друг}!",
}


@pytest.fixture
def clients(services: Services) -> None:
    """Three clients in Moscow, where it is 09:00 at the start, and one in Kamchatka, where it is 18:00."""
    for number, zone in enumerate(["Europe/Moscow"] * 3 + ["Asia/Kamchatka", "UTC"]):
        code = "921" if number == 1 else "977"
        own = {"имя": "Анна"} if number == 2 else {}
        client = {"phone_number": f"7{code}000000{number}", "timezone": zone, "attributes": own}
        register_client(services, client)  # type: ignore[arg-type]
    opt_out_client(services, 5)


@pytest.mark.usefixtures("clients")
def test_the_preview_has_the_audience_the_texts_and_the_forecast(call: Call, services: Services) -> None:
    answer = call("POST", "/Mailing/preview", json={**FIELDS, "time_from": "09:00", "time_to": "18:00"})
    assert answer.status == 200
    shown: dict[str, Any] = answer.json
    examples = shown.pop("examples")
    assert shown == {
        "clients": 4,
        "is_whole": True,
        "is_sampled": False,
        "filter_text": None,
        "by_timezone": {"Europe/Moscow": 3, "Asia/Kamchatka": 1},
        "by_operator_code": {"977": 3, "921": 1},
        "length": {"characters": 13, "encoding": "UCS-2", "parts": 1, "per_part": 70},
        "parts": 4,
        "cost": {"texts": None, "currency": None, "aws_dollars": 0.000029},
        "rate": None,
        "starts_at": "2030-06-03T06:00:00Z",
        "ends_at": "2030-06-03T06:00:00Z",
        "reached": 3,
        "too_late": 0,
        "unreachable": 1,
        "rate_needed": None,
    }
    assert len(examples) == 3
    assert {"phone_number": "+7 977 ***-**-00", "text": "Привет, друг!", "parts": 1} in examples
    assert services.mailings.active_ids(services.clock.now()) == []
    assert call("GET", "/Mailing").json["results"] == []


@pytest.mark.usefixtures("clients")
def test_the_preview_names_the_rate_that_suffices(call: Call) -> None:
    soon = {"datetime_end": (START + timedelta(seconds=2)).isoformat(), "rate_limit": 1}
    shown = call("POST", "/Mailing/preview", json={**FIELDS, **soon}).json
    assert (shown["rate"], shown["reached"], shown["too_late"], shown["rate_needed"]) == (1, 2, 2, 2)
    assert shown["ends_at"] == "2030-06-03T06:00:02Z"


def test_the_preview_has_the_same_validation_as_the_announcement(call: Call) -> None:
    wrong = {**FIELDS, "message_text": "{нет}", "rate_limit": 0}
    assert list(call("POST", "/Mailing/preview", json=wrong).json) == ["rate_limit"]
    assert list(call("POST", "/Mailing/preview", json={**FIELDS, "message_text": "{нет}"}).json) == ["message_text"]
    backwards = {**FIELDS, "datetime_end": FIELDS["datetime_start"]}
    assert call("POST", "/Mailing/preview", json=backwards).status == 400
    assert call("GET", "/Mailing/preview").status == 405


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("hours", [{}, {"time_from": "09:00", "time_to": "18:00"}, {"rate_limit": 1}])
@pytest.mark.parametrize("end", ["2022-08-22", "2022-08-18", "0001-01-01"])
def test_the_preview_of_a_mailing_in_the_past_reaches_no_clients(call: Call, hours: dict[str, Any], end: str) -> None:
    past = {**FIELDS, **hours, "datetime_start": "2022-08-20", "datetime_end": end}
    answer = call("POST", "/Mailing/preview", json=past)
    assert answer.status == 200, answer.text
    shown = answer.json
    assert (shown["clients"], shown["reached"], shown["unreachable"], shown["ends_at"]) == (4, 0, 4, None)
    assert (shown["too_late"], shown["rate_needed"]) == (0, None)


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("hours", [{}, {"time_from": "09:00", "time_to": "18:00"}])
def test_a_preview_is_possible_for_the_latest_dates(call: Call, hours: dict[str, Any]) -> None:
    late = {**FIELDS, **hours, "datetime_start": "9999-12-30", "datetime_end": "9999-12-31T23:59:59"}
    assert call("POST", "/Mailing/preview", json=late).status == 200


@pytest.mark.usefixtures("clients")
def test_the_preview_has_the_cost_of_the_texts_and_warns_if_it_is_above_the_maximum(
    call: Call, services: Services
) -> None:
    services.settings = replace(services.settings, gateway_price=3_500_000, gateway_currency="RUB")
    two_parts = {**FIELDS, "message_text": "я" * 71}
    enough = call("POST", "/Mailing/preview", json={**two_parts, "max_cost": 28}).json
    assert (enough["parts"], enough["cost"]["texts"], enough["cost"]["currency"]) == (8, "28.00", "RUB")
    assert "warnings" not in enough
    [warning] = call("POST", "/Mailing/preview", json={**two_parts, "max_cost": "27.99"}).json["warnings"]
    assert warning.startswith("The texts will cost about 28.00, and this mailing may cost 27.99")


def test_a_maximum_cost_is_an_amount_and_needs_a_price(call: Call, services: Services) -> None:
    limited = {**FIELDS, "message_text": "text", "max_cost": "10"}
    for path in ("/Mailing/preview", "/Mailing"):
        answer = call("POST", path, json=limited)
        assert (answer.status, list(answer.json)) == (400, ["max_cost"])
    services.settings = replace(services.settings, gateway_price=1)
    assert call("POST", "/Mailing", json=limited).json["max_cost"] == "10.00"
    for wrong in ("-1", "1,5", "a", True, [], 10**9 + 1, 1e-7):
        assert list(call("PATCH", "/Mailing/1", json={"max_cost": wrong}).json) == ["max_cost"]
    for given, shown in ((None, None), ("", None), (0, "0.00"), (12.5, "12.50"), ("0.000001", "0.000001")):
        assert call("PATCH", "/Mailing/1", json={"max_cost": given}).json["max_cost"] == shown
