"""The page of a mailing while it runs and after it: failures by reason, phone numbers, what a step has done."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.mailing import Counts
from chalicelib.domain.message import MessageKey
from chalicelib.domain.reasons import Reason
from chalicelib.mailings.lifecycle import get_mailing
from chalicelib.texts import Text
from tests.message_changes import close

from .test_console import MAILING, Browser, anna, anonymous

__all__ = ["anna", "anonymous"]

REFUSED = Reason("failed", Text("gateway.message_refused", status=400))
FORBIDDEN = Reason("failed", Text("gateway.message_refused", status=410))


@pytest.fixture
def failed(anna: Browser, services: Services) -> Browser:
    """Mailing 1 to three clients: two messages refused with 400, one with 410."""
    for number in range(1, 4):
        anna.post("/console/clients/new", phone_number=f"7977000000{number}", timezone="UTC")
    anna.post("/console/mailings/new", **{**MAILING, "datetime_start": "2020-01-01T00:00:00Z"})
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    for client_id, reason in ((1, REFUSED), (2, REFUSED), (3, FORBIDDEN)):
        close(services.messages, MessageKey(1, client_id, 1), reason.status, reason.text)
    services.mailings.add_counts(1, Counts(failed=3), services.clock.now())
    kept = services.clock.now().replace(year=2041)
    services.timelines.add_reasons(1, Counter({REFUSED: 2, FORBIDDEN: 1}), kept)
    return anna


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_failures_are_grouped_by_reason_with_their_numbers(failed: Browser) -> None:
    for path in ("/console/mailings/1", "/console/mailings/1?live=1"):
        text = text_of(failed.get(path).text)
        assert "2 failed The gateway refused the message (400)." in text
        assert "1 failed The gateway refused the message (410)." in text
        assert "Recent errors" not in text


def test_a_reason_leads_to_its_messages_and_their_file(failed: Browser) -> None:
    link = f"/console/mailings/1?status=failed&reason={FORBIDDEN.key}"
    assert f'href="{link.replace("&", "&amp;")}#messages"' in failed.get("/console/mailings/1").text
    page = failed.get(link).text
    assert "79770000003" in page
    assert "79770000001" not in page
    rows = failed.get(f"/console/mailings/1/export?status=failed&reason={FORBIDDEN.key}").text.splitlines()[1:]
    assert [row.split(";")[2] for row in rows] == ["3"]
    assert failed.get("/console/mailings/1?reason=0123456789abcdef").status == 404


def test_the_question_before_a_resend_names_the_reason_and_the_numbers(failed: Browser) -> None:
    assert "failed (3)" in failed.get("/console/mailings/1/resend").text
    page = failed.get(f"/console/mailings/1/resend?reason={REFUSED.key}").text
    assert "failed: 2 · The gateway refused the message (400)." in text_of(page)
    assert 'name="statuses"' not in page


def test_the_messages_of_one_reason_are_resent(failed: Browser, services: Services) -> None:
    before = get_mailing(services, 1)
    assert failed.post("/console/mailings/1/resend", reason=FORBIDDEN.key).status == 303
    [order] = get_mailing(services, 1).resend
    assert order.startswith("failed {")
    assert "410" in order
    assert get_mailing(services, 1).resends == before.resends + 1
    assert failed.post("/console/mailings/1/resend", reason="x").status == 404


def test_phone_numbers_of_messages_are_masked_for_a_user_who_only_reads(failed: Browser, services: Services) -> None:
    file = "/console/mailings/1/export"
    assert "79770000001" in failed.get("/console/mailings/1").text
    assert failed.get(file).text.splitlines()[0].endswith(";phone_number")
    assert "79770000001" in failed.get(file).text
    failed.sign_in("boris")
    for path in ("/console/mailings/1", "/console/mailings/1?live=1", file):
        assert "79770000001" not in failed.get(path).text, path
    assert "7977*******" in failed.get("/console/mailings/1").text
    assert "7977*******" in failed.get(file).text


def test_a_user_who_only_reads_is_offered_no_resend(failed: Browser) -> None:
    failed.sign_in("boris")
    assert "/resend?reason=" not in failed.get("/console/mailings/1").text


def test_the_message_of_a_deleted_client_has_no_phone_number(failed: Browser) -> None:
    failed.post("/console/clients/1/delete")
    page: Any = failed.get("/console/mailings/1")
    assert page.status == 200
    assert "79770000001" not in page.text
