"""The report's Lambda as `aws lambda invoke` calls it: readable answers, and an email through SES."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib import runtime
from chalicelib import settings as settings_module
from chalicelib.adapters import aws
from chalicelib.adapters.services import Services


@pytest.fixture
def invoke(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("REPORT_RECIPIENTS", "anna@example.com")
    monkeypatch.setenv("REPORT_SENDER", "reports@example.com")
    settings_module.settings.cache_clear()
    runtime.services.cache_clear()
    aws.client("ses").verify_email_identity(EmailAddress="reports@example.com")
    with Client(app) as client:
        yield lambda payload: client.lambda_.invoke("send_report", payload).payload


def test_the_report_of_a_given_day_is_sent(invoke: Any) -> None:
    assert invoke({"date": "2026-11-22"}) == {"sent": True, "date": "2026-11-22", "mailings": 0}


def test_the_schedule_sends_the_report_of_its_day(invoke: Any) -> None:
    assert invoke({"scheduled": "2026-11-22T09:00:00Z"})["sent"]
    assert invoke({"scheduled": "2026-11-22T09:00:00Z"}) == {"sent": False, "detail": "This report was sent before."}


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        ({"date": "22.11.2026"}, {"date"}),
        ({}, {"date"}),
        ({"date": "2026-11-22", "to": "me@example.com"}, {"to"}),
        ({"scheduled": "soon"}, {"scheduled"}),
        ([], {"detail"}),
    ],
)
def test_an_invalid_request_is_answered_with_what_is_expected(invoke: Any, payload: Any, wrong: set[str]) -> None:
    assert set(invoke(payload)) == wrong
    assert aws.client("ses").get_send_quota()["SentLast24Hours"] == 0
