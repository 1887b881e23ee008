from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.services import Services
from chalicelib.delivery.fanout import start_mailing
from chalicelib.mailings import lifecycle

from .conftest import Call

NOW = datetime.now(UTC).replace(microsecond=0)


def shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def fields(start: timedelta, end: timedelta) -> dict[str, str]:
    return {
        "datetime_start": (NOW + start).isoformat(),
        "datetime_end": (NOW + end).isoformat(),
        "message_text": "Привет",
    }


PAST, SOON, LATER = timedelta(hours=-2), timedelta(hours=1), timedelta(hours=2)


def test_a_mailing_in_the_future_is_scheduled(call: Call, services: Services) -> None:
    answer = call("POST", "/Mailing", form={**fields(SOON, LATER), "filter_tag": "тег1, тег3,тег1"})
    assert answer.status == 201
    made = answer.json
    assert len(made.pop("warnings")) == 2, "there are no clients"
    assert made == {
        "id": 1,
        "status": "scheduled",
        "datetime_start": shown(NOW + SOON),
        "datetime_end": shown(NOW + LATER),
        "message_text": "Привет",
        "purpose": "service",
        "sender": None,
        "filter_tag": "тег1,тег3",
        "filter_op_codes": None,
        "filter": None,
        "segment": None,
        "rate_limit": None,
        "canary": None,
        "max_error_rate": None,
        "max_cost": None,
        "paused_because": None,
        "approved_by": None,
        "series_id": None,
        "time_from": None,
        "time_to": None,
    }
    assert services.jobs_queue.is_idle()


def test_a_mailing_whose_start_has_passed_starts_at_once(call: Call, services: Services) -> None:
    assert call("POST", "/Mailing", json=fields(PAST, LATER)).status == 201
    assert not services.jobs_queue.is_idle()


def test_a_mailing_in_the_past_is_finished_and_sends_nothing(call: Call, services: Services) -> None:
    answer = call("POST", "/Mailing", json=fields(PAST, PAST / 2))
    assert (answer.status, answer.json["status"]) == (201, "finished")
    assert services.jobs_queue.is_idle()
    assert call("GET", "/Stats/1").json["messages"]["total"] == 0


@pytest.mark.parametrize("end", [PAST, PAST * 2])
def test_two_past_dates_are_accepted_in_any_order(call: Call, services: Services, end: timedelta) -> None:
    answer = call("POST", "/Mailing", form=fields(PAST, end))
    assert (answer.status, answer.json["status"]) == (201, "finished"), "as the published command sends them"
    assert services.jobs_queue.is_idle()
    shown = call("GET", "/Stats/1").json
    assert (shown["messages"]["total"], shown["results"], shown["ended_at"] is not None) == (0, [], True)
    assert call("PUT", "/Mailing/1", json=answer.json).json == answer.json, "it can be sent back as it was read"
    assert call("PATCH", "/Mailing/1", json={"message_text": "new"}).json["status"] == "finished"
    assert call("PATCH", "/Mailing/1", json={"datetime_start": (NOW + SOON).isoformat()}).status == 400
    later = call("PATCH", "/Mailing/1", json={"datetime_end": (NOW + LATER).isoformat()})
    assert (later.status, later.json["status"]) == (200, "scheduled")
    assert not services.jobs_queue.is_idle(), "the start has passed, so it starts at once"


def test_an_end_before_a_start_in_the_future_is_refused(call: Call) -> None:
    for start, end in ((SOON, PAST), (LATER, SOON), (SOON, SOON)):
        assert list(call("POST", "/Mailing", json=fields(start, end)).json) == ["datetime_end"]


def test_an_end_before_the_start_ends_a_running_mailing(call: Call, services: Services) -> None:
    call("POST", "/Mailing", json=fields(PAST, LATER))
    start_mailing(services, 1)
    answer = call("PATCH", "/Mailing/1", json={"datetime_end": (NOW + PAST * 2).isoformat()})
    assert (answer.status, answer.json["status"]) == (200, "running")
    assert lifecycle.get_mailing(services, 1).is_over(services.clock.now())


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2022-08-20T21:42:16", "2022-08-20T21:42:16Z"),
        ("2022-08-20 21:42:16", "2022-08-20T21:42:16Z"),
        ("2022-08-20T21:42", "2022-08-20T21:42:00Z"),
        ("2022-08-20T21:42:16.987654", "2022-08-20T21:42:16Z"),
        ("2022-08-20T21:42:16Z", "2022-08-20T21:42:16Z"),
        ("2022-08-20T21:42:16+03:00", "2022-08-20T18:42:16Z"),
        ("2022-08-20T21:42:16-05:30", "2022-08-21T03:12:16Z"),
        ("2022-08-20T21:42:16 03:00", "2022-08-20T18:42:16Z"),
        ("2022-08-20 21:42:16 03:00", "2022-08-20T18:42:16Z"),
        ("2022-08-20T21:42 03:00", "2022-08-20T18:42:00Z"),
        ("2022-08-20T21:42:16.987654 03:00", "2022-08-20T18:42:16Z"),
        ("2022-08-20 03:00", "2022-08-20T03:00:00Z"),
        ("2022-08-20 03:00:16", "2022-08-20T03:00:16Z"),
        ("2022-08-20", "2022-08-20T00:00:00Z"),
        ("0999-08-20", "0999-08-20T00:00:00Z"),
    ],
)
def test_times_are_accepted_as_python_prints_them_and_shown_in_utc(call: Call, sent: str, read: str) -> None:
    answer = call("POST", "/Mailing", json={**fields(SOON, LATER), "datetime_start": sent})
    assert answer.json["datetime_start"] == read


def test_an_offset_with_an_unencoded_plus_in_a_form_is_accepted(call: Call) -> None:
    body = b"datetime_start=2040-12-01T10:00:00+03:00&datetime_end=2040-12-01+09:30&message_text=a+b"
    made = call("POST", "/Mailing", body=body, content_type="application/x-www-form-urlencoded").json
    assert (made["datetime_start"], made["datetime_end"]) == ("2040-12-01T07:00:00Z", "2040-12-01T09:30:00Z")
    assert made["message_text"] == "a b"


def test_a_mailing_can_be_sent_back_as_it_was_read(call: Call) -> None:
    created = call("POST", "/Mailing", json={**fields(SOON, LATER), "filter_op_codes": "977,921"}).json
    assert call("PUT", "/Mailing/1", json=created).json == created
    del created["warnings"]
    assert call("GET", "/Mailing/1").json == created


def test_a_started_mailing_can_be_sent_back_with_another_text(call: Call, services: Services) -> None:
    created = call("POST", "/Mailing", json={**fields(PAST, LATER), "filter_tag": "a"}).json
    assert start_mailing(services, 1)
    answer = call("PUT", "/Mailing/1", json={**created, "message_text": "new"})
    assert (answer.status, answer.json["message_text"], answer.json["status"]) == (200, "new", "running")


@pytest.mark.parametrize("field", ["datetime_start", "filter_tag", "filter_op_codes"])
def test_the_start_and_the_filter_cannot_be_changed_after_the_start(call: Call, services: Services, field: str) -> None:
    call("POST", "/Mailing", json=fields(PAST, LATER))
    start_mailing(services, 1)
    value = {"datetime_start": (NOW + SOON).isoformat(), "filter_tag": "a", "filter_op_codes": "977"}[field]
    answer = call("PATCH", "/Mailing/1", json={field: value})
    assert (answer.status, list(answer.json)) == (400, [field])
    assert "has started" in answer.json[field][0]


def test_a_change_that_puts_the_end_before_the_start_is_refused_for_either_field(call: Call) -> None:
    call("POST", "/Mailing", json=fields(SOON, LATER))
    for change in ({"datetime_end": (NOW + SOON).isoformat()}, {"datetime_start": (NOW + LATER).isoformat()}):
        assert list(call("PATCH", "/Mailing/1", json=change).json) == ["datetime_end"]


def test_a_scheduled_mailing_moved_into_the_past_starts_or_finishes(call: Call, services: Services) -> None:
    for _ in range(3):
        call("POST", "/Mailing", json=fields(SOON, LATER))
    call("PATCH", "/Mailing/1", json={"datetime_start": (NOW + PAST).isoformat()})
    assert not services.jobs_queue.is_idle()
    for mailing_id, end in ((2, PAST / 2), (3, PAST * 2)):
        over = {"datetime_start": (NOW + PAST).isoformat(), "datetime_end": (NOW + end).isoformat()}
        assert call("PATCH", f"/Mailing/{mailing_id}", json=over).json["status"] == "finished"


def test_a_deleted_mailing_is_not_found(call: Call) -> None:
    call("POST", "/Mailing", json=fields(SOON, LATER))
    assert call("DELETE", "/Mailing/1").status == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert call(method, "/Mailing/1").status == 404
    assert call("GET", "/Stats/1").status == 404
    assert call("GET", "/Stats").json["totals"]["mailings"] == 0


def test_mailings_are_listed_from_the_newest_in_pages(call: Call) -> None:
    for _ in range(5):
        call("POST", "/Mailing", json=fields(SOON, LATER))
    call("DELETE", "/Mailing/4")
    first = call("GET", "/Mailing?limit=2").json
    assert [mailing["id"] for mailing in first["results"]] == [5, 3]
    rest = call("GET", first["next"].removeprefix("https://api.example.com")).json
    assert [mailing["id"] for mailing in rest["results"]] == [2, 1]
    assert rest["next"] is None


def test_a_rate_limit_is_a_number_in_a_form_or_json_and_can_be_changed_and_removed(call: Call) -> None:
    assert call("POST", "/Mailing", form={**fields(SOON, LATER), "rate_limit": "50"}).json["rate_limit"] == 50
    assert call("PATCH", "/Mailing/1", json={"rate_limit": 70}).json["rate_limit"] == 70
    assert call("PATCH", "/Mailing/1", form={"rate_limit": ""}).json["rate_limit"] is None


def test_a_canary_has_an_optional_error_rate(call: Call) -> None:
    made = call("POST", "/Mailing", form={**fields(SOON, LATER), "canary": "50"}).json
    assert (made["canary"], made["max_error_rate"]) == (50, 10)
    assert call("PATCH", "/Mailing/1", json={"max_error_rate": 0}).json["max_error_rate"] == 0
    changed = call("PATCH", "/Mailing/1", json={"canary": 20}).json
    assert (changed["canary"], changed["max_error_rate"]) == (20, 0)
    taken_away = call("PATCH", "/Mailing/1", form={"canary": ""}).json
    assert (taken_away["canary"], taken_away["max_error_rate"]) == (None, None)
    refused = call("PATCH", "/Mailing/1", json={"max_error_rate": 5})
    assert (refused.status, list(refused.json)) == (400, ["max_error_rate"])
    sent_back = call("PUT", "/Mailing/1", json=call("GET", "/Mailing/1").json)
    assert sent_back.status == 200, sent_back.json


def test_local_hours_can_be_set_changed_and_removed(call: Call) -> None:
    hours = {"time_from": "21:00", "time_to": "06:30"}
    created = call("POST", "/Mailing", form={**fields(SOON, LATER), **hours}).json
    assert {name: created[name] for name in hours} == hours
    changed = call("PATCH", "/Mailing/1", json={"time_to": "07:00"}).json
    assert (changed["time_from"], changed["time_to"]) == ("21:00", "07:00")
    assert call("PATCH", "/Mailing/1", json={"time_from": None}).json == {
        "time_from": ["time_from and time_to are expected together, or neither."]
    }
    assert list(call("PATCH", "/Mailing/1", json={"time_to": "21:00"}).json) == ["time_to"], "an empty window"
    gone = call("PATCH", "/Mailing/1", form={"time_from": "", "time_to": ""}).json
    assert (gone["time_from"], gone["time_to"]) == (None, None)
