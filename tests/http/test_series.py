from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.delivery.series import make_due_mailings
from chalicelib.fields import MAILING

from .conftest import Call

NOW = datetime.now(UTC).replace(microsecond=0)
TOMORROW = NOW + timedelta(days=1)


def shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def fields(start: datetime = TOMORROW, **others: Any) -> dict[str, Any]:
    dates = {"datetime_start": shown(start), "datetime_end": shown(start + timedelta(hours=9))}
    return {**dates, "message_text": "Привет", "repeat": "daily", **others}


def test_a_series_is_announced_by_the_fields_of_a_mailing_and_its_rule(call: Call) -> None:
    answer = call("POST", "/Series", form=fields(filter_tag="vip", timezone="Europe/Moscow", repeat_times="3"))
    assert answer.status == 201
    assert answer.json == {
        "id": 1,
        "status": "active",
        "datetime_start": shown(TOMORROW),
        "datetime_end": shown(TOMORROW + timedelta(hours=9)),
        "message_text": "Привет",
        "purpose": "service",
        "sender": None,
        "filter_tag": "vip",
        "filter_op_codes": None,
        "filter": None,
        "segment": None,
        "time_from": None,
        "time_to": None,
        "rate_limit": None,
        "canary": None,
        "max_error_rate": None,
        "max_cost": None,
        "repeat": "daily",
        "timezone": "Europe/Moscow",
        "repeat_until": None,
        "repeat_times": 3,
        "skip_dates": None,
        "made": 0,
        "missed": 0,
        "mailing_ids": [],
        "next_starts": [shown(TOMORROW + timedelta(days=number)) for number in range(3)],
    }
    assert call("GET", "/Series/1/").json == answer.json
    assert call("GET", "/Mailing/").json["results"] == [], "its mailings are made when their starts come"


def test_every_field_of_a_mailing_is_a_field_of_a_series(call: Call) -> None:
    call("POST", "/Series", json=fields())
    assert set(MAILING) <= set(call("GET", "/Series/1").json)


def test_what_was_read_can_be_sent_back(call: Call) -> None:
    made = call(
        "POST", "/Series", json=fields(repeat="1,15,last", skip_dates=f"{TOMORROW + timedelta(40):%Y-%m-%d}")
    ).json
    for method in ("PUT", "PATCH"):
        assert call(method, "/Series/1", json=made).json == made
    assert len(call("GET", "/Audit").json["results"]) == 1, "nothing has changed"


def test_its_mailings_name_the_series_and_the_series_its_mailings(call: Call, services: Services) -> None:
    call("POST", "/Series", json=fields(NOW))
    assert make_due_mailings(services) == 1
    mailing = call("GET", "/Mailing/1").json
    assert (mailing["series_id"], mailing["datetime_start"], mailing["status"]) == (1, shown(NOW), "scheduled")
    found = call("GET", "/Series/1").json
    assert (found["mailing_ids"], found["made"], found["datetime_start"]) == ([1], 1, shown(TOMORROW))
    assert call("PATCH", "/Mailing/1", json=mailing).json["series_id"] == 1
    assert call("GET", "/Stats/1").json["series_id"] == 1


def test_a_change_applies_from_the_next_mailing_on(call: Call, services: Services) -> None:
    call("POST", "/Series", json=fields(NOW))
    make_due_mailings(services)
    changed = call("PATCH", "/Series/1", json={"message_text": "Новый", "repeat": "weekdays"})
    assert (changed.status, changed.json["repeat"]) == (200, "mon,tue,wed,thu,fri")
    assert call("GET", "/Mailing/1").json["message_text"] == "Привет"


@pytest.mark.parametrize(
    ("step", "status", "starts"),
    [("pause", "paused", 5), ("resume", "active", 5), ("end", "ended", 0)],
)
def test_a_step_is_taken_once_and_audited(call: Call, step: str, status: str, starts: int) -> None:
    call("POST", "/Series", json=fields())
    for _ in range(2):
        answer = call("POST", f"/Series/1/{step}/")
        assert (answer.status, answer.json["status"], len(answer.json["next_starts"])) == (200, status, starts)
    records = call("GET", "/Audit").json["results"]
    assert len(records) == (1 if step == "resume" else 2)
    assert (records[0]["what"], records[0]["id"]) == ("series", "1")


def test_a_day_is_left_out_and_can_be_put_back(call: Call) -> None:
    call("POST", "/Series", json=fields(timezone="UTC"))
    day = f"{TOMORROW:%Y-%m-%d}"
    for _ in range(2):
        answer = call("POST", "/Series/1/skip", form={"date": day}).json
        assert (answer["skip_dates"], answer["datetime_start"]) == (day, shown(TOMORROW + timedelta(days=1)))
    assert call("PATCH", "/Series/1", json={"skip_dates": None}).json["datetime_start"] == shown(TOMORROW)


def test_an_ended_series_has_no_dates_and_refuses_steps(call: Call) -> None:
    call("POST", "/Series", json=fields())
    ended = call("POST", "/Series/1/end").json
    assert (ended["datetime_start"], ended["datetime_end"], ended["next_starts"]) == (None, None, [])
    for path in ("pause", "resume"):
        assert call("POST", f"/Series/1/{path}").status == 409
    assert call("POST", "/Series/1/skip", json={"date": f"{TOMORROW:%Y-%m-%d}"}).status == 409
    assert call("PATCH", "/Series/1", json={"message_text": "x"}).status == 409


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"repeat": ""}, "repeat"),
        ({"repeat": "hourly"}, "repeat"),
        ({"repeat": "mon,15"}, "repeat"),
        ({"repeat": "daily,mon"}, "repeat"),
        ({"repeat": "32"}, "repeat"),
        ({"repeat": "mon,,tue"}, "repeat"),
        ({"repeat": None}, "repeat"),
        ({"repeat": ["mon"]}, "repeat"),
        ({"timezone": "Moscow"}, "timezone"),
        ({"repeat_until": "31.12.2026"}, "repeat_until"),
        ({"repeat_until": "20261231"}, "repeat_until"),
        ({"repeat_until": "2027-02-29"}, "repeat_until"),
        ({"repeat_until": "2020-01-01"}, "repeat"),
        ({"repeat_times": 0}, "repeat_times"),
        ({"repeat_times": 10_001}, "repeat_times"),
        ({"skip_dates": "2026-12-25,x"}, "skip_dates"),
        ({"datetime_end": shown(TOMORROW)}, "datetime_end"),
        ({"datetime_end": shown(TOMORROW + timedelta(days=32))}, "datetime_end"),
        ({"message_text": "{unknown}"}, "message_text"),
        ({"max_cost": 10}, "max_cost"),
        ({"repeats": "daily"}, "repeats"),
        ({"series_id": 1}, "series_id"),
    ],
)
def test_bad_input_is_refused_by_field_and_writes_nothing(
    call: Call, sent: dict[str, Any], wrong: str, written: Callable[[], list[Any]]
) -> None:
    before = written()
    answer = call("POST", "/Series", json={**fields(), **sent})
    assert (answer.status, list(answer.json)) == (400, [wrong]), answer.text
    assert written() == before
    call("POST", "/Series", json=fields())
    assert call("PATCH", "/Series/1", json=sent).status == 400


def test_a_date_that_cannot_be_left_out_is_refused(call: Call) -> None:
    call("POST", "/Series", json=fields(repeat_until=f"{TOMORROW:%Y-%m-%d}"))
    for day in ("x", "9999-12-31", "0001-01-01", f"{TOMORROW:%G-W%V-%u}"):
        assert list(call("POST", "/Series/1/skip", json={"date": day}).json) == ["date"]


def test_unknown_series_are_not_found(call: Call) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/pause"), ("POST", "/end")):
        assert call(method, f"/Series/7{path}").status == 404
    assert call("DELETE", "/Series/7").status == 405


def test_a_repeated_request_with_a_key_makes_one_series(call: Call) -> None:
    ids = {call("POST", "/Series", json=fields(), key="k").json["id"] for _ in range(2)}
    assert ids == {1}
    assert len(call("GET", "/Series").json["results"]) == 1


def test_series_are_listed_newest_first_by_pages(call: Call) -> None:
    for _ in range(3):
        call("POST", "/Series", json=fields())
    page = call("GET", "/Series?limit=2").json
    assert [one["id"] for one in page["results"]] == [3, 2]
    path = page["next"].removeprefix("https://api.example.com")
    assert [one["id"] for one in call("GET", path).json["results"]] == [1]


def test_a_reader_may_read_series_and_change_none(call: Call, services: Services) -> None:
    call("POST", "/Series", json=fields())
    reader = f"Token {make_token(services, 'reader', 'read')}"
    assert call("GET", "/Series/1", authorization=reader).status == 200
    for path in ("", "/1/pause", "/1/end", "/1/skip"):
        assert call("POST", f"/Series{path}", json={}, authorization=reader).status == 403
