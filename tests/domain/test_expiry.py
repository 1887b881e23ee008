from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from chalicelib.domain.canary import Canary
from chalicelib.domain.expiry import ENDED_FIRST, ExpiryCauses, expiry_reason, failure_until_the_end, hours_at_the_end
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import Message
from chalicelib.domain.send_window import SendWindow
from chalicelib.texts import Text
from chalicelib.zones import zone

END = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAILING = Mailing(1, END - timedelta(hours=1), END, "text", status="running")
BROKEN = Text("gateway.answered", status=500)
NOTHING = ExpiryCauses(is_limited=False, failure=None)
ALL = ExpiryCauses(is_limited=True, failure=BROKEN)
MORNING = SendWindow(time(9), time(12))


def code(mailing: Mailing, causes: ExpiryCauses = NOTHING, timezone: str | None = None) -> str:
    return expiry_reason(mailing, timezone, hours_at_the_end(mailing, zone), causes).code


@pytest.mark.parametrize(
    ("mailing", "causes", "expected"),
    [
        (MAILING, NOTHING, "expiry.ended_first"),
        (MAILING, ExpiryCauses(is_limited=True, failure=None), "expiry.no_permit"),
        (MAILING, ALL, "expiry.held_back"),
        (replace(MAILING, canary=Canary(5)), ALL, "expiry.no_canary_result"),
        (replace(MAILING, canary=Canary(5, is_passed=True)), ALL, "expiry.held_back"),
        (replace(MAILING, status="paused", canary=Canary(5)), ALL, "expiry.paused"),
    ],
)
def test_the_first_cause_that_applies_is_the_reason(mailing: Mailing, causes: ExpiryCauses, expected: str) -> None:
    assert code(mailing, causes) == expected


def test_local_hours_are_the_reason_if_they_are_closed_just_before_the_end() -> None:
    mailing = replace(MAILING, window=MORNING)
    assert code(mailing, ALL, "Asia/Omsk") == "expiry.outside_hours"
    assert code(mailing, NOTHING, "UTC") == ENDED_FIRST.code, "open until the very end"
    assert code(mailing, NOTHING, None) == ENDED_FIRST.code, "without a zone the sender decides"


def test_a_message_that_was_held_back_names_the_error_of_the_gateway() -> None:
    reason = expiry_reason(MAILING, None, hours_at_the_end(MAILING, zone), ALL)
    assert str(reason) == "Never posted, because the gateway failed until the mailing ended. The gateway answered 500."
    assert reason.in_language("ru").endswith("Шлюз ответил кодом 500.")


def test_the_gateway_failed_until_the_end_if_a_message_waits_with_its_error_and_nothing_was_sent_lately() -> None:
    untried = Message(1, 1, "queued", END)
    failed = Message(1, 2, "queued", END, attempts=2, last_error=BROKEN)
    early = replace(MAILING, last_post_at=END - timedelta(minutes=2))
    assert failure_until_the_end(MAILING, [untried, failed]) == BROKEN
    assert failure_until_the_end(early, [untried, failed]) == BROKEN
    assert failure_until_the_end(MAILING, [untried, replace(failed, status="failed")]) is None
    assert failure_until_the_end(replace(MAILING, last_post_at=END), [untried, failed]) is None
