"""Pause, resume, cancel and resend over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.delivery.fanout import start_mailing

from .conftest import Call, refusal

STEPS = ("pause", "resume", "cancel", "resend")


@pytest.fixture
def scheduled(call: Call) -> dict[str, object]:
    now = datetime.now(UTC)
    times = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    call("POST", "/Mailing/", json={**times, "message_text": "text"})
    found: dict[str, object] = call("GET", "/Mailing/1/").json
    return found


@pytest.fixture
def running(scheduled: dict[str, object], services: Services) -> dict[str, object]:
    start_mailing(services, 1)
    return {**scheduled, "status": "running"}


def test_each_step_returns_the_mailing(call: Call, running: dict[str, object]) -> None:
    for step, status in (("pause", "paused"), ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        answer = call("POST", f"/Mailing/1/{step}/")
        assert (answer.status, answer.json) == (200, {**running, "status": status})
    assert call("GET", "/Mailing/1/").json["status"] == "cancelled"


@pytest.mark.parametrize("statuses", ["failed,unknown", ["failed", "unknown"], "expired"])
def test_failed_messages_are_resent(call: Call, running: dict[str, object], statuses: object) -> None:
    answer = call("POST", "/Mailing/1/resend", json={"statuses": statuses})
    assert (answer.status, answer.json) == (200, running)


def test_a_step_accepts_a_form(call: Call, running: dict[str, object]) -> None:
    assert call("POST", "/Mailing/1/resend/", form={"statuses": "failed"}).json == running


@pytest.mark.parametrize(
    "body", [{}, {"statuses": "sent"}, {"statuses": ""}, {"statuses": []}, {"statuses": None}, {"statuses": {"a": 1}}]
)
def test_invalid_statuses_cannot_be_resent(call: Call, running: dict[str, object], body: dict[str, object]) -> None:
    answer = call("POST", "/Mailing/1/resend", json=body)
    assert answer.status == 400
    assert list(answer.json) == ["statuses"]


def test_an_unknown_field_of_a_step_is_refused(call: Call, running: dict[str, object]) -> None:
    for step in ("pause", "resume", "cancel"):
        answer = call("POST", f"/Mailing/1/{step}", json={"reason": "rain"})
        assert (answer.status, answer.json) == (400, {"reason": ["Unknown field."]})
    assert call("GET", "/Mailing/1").json["status"] == "running"


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("pause", "Only a running mailing can be paused; this one is scheduled."),
        ("resume", "Only a paused mailing can be resumed; this one is scheduled."),
        ("resend", "Only a running or a finished mailing can be sent again; this one is scheduled."),
    ],
)
def test_a_step_that_the_status_does_not_allow_is_a_409_with_a_reason(
    call: Call, scheduled: dict[str, object], step: str, reason: str
) -> None:
    answer = call("POST", f"/Mailing/1/{step}", json={"statuses": "failed"} if step == "resend" else None)
    assert (answer.status, answer.json) == (409, refusal(answer, reason))


def test_a_cancelled_mailing_cannot_be_changed(call: Call, scheduled: dict[str, object]) -> None:
    assert call("POST", "/Mailing/1/cancel").json["status"] == "cancelled"
    answer = call("PATCH", "/Mailing/1", json={"message_text": "new"})
    assert (answer.status, answer.json) == (409, refusal(answer, "The mailing is cancelled: announce a new one."))
    assert call("GET", "/Stats/1").json["ended_at"] is not None


def test_a_mailing_whose_end_has_passed_cannot_be_resent(call: Call) -> None:
    past = {"datetime_start": "2022-08-20", "datetime_end": "2022-08-22", "message_text": "text"}
    call("POST", "/Mailing", json=past)
    answer = call("POST", "/Mailing/1/resend", json={"statuses": "failed"})
    detail = "The mailing's end has passed: move datetime_end into the future first."
    assert (answer.status, answer.json) == (409, refusal(answer, detail))


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_a_post_with_the_admin_role_to_an_existing_mailing(
    call: Call, running: dict[str, object], services: Services, step: str
) -> None:
    body = {"statuses": "failed"} if step == "resend" else None
    assert call("GET", f"/Mailing/1/{step}").status == 405
    assert call("POST", f"/Mailing/2/{step}", json=body).status == 404
    assert call("POST", f"/Mailing/x/{step}", json=body).status == 404
    reader = make_token(services, "otto", "read")
    assert call("POST", f"/Mailing/1/{step}", json=body, authorization=f"Token {reader}").status == 403
    assert call("GET", "/Mailing/1").json["status"] == "running"
