"""Silence: the time in which a mailing could have sent messages, and made no progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.audience import Plan
from chalicelib.domain.canary import Canary
from chalicelib.domain.counts import Counts
from chalicelib.domain.decisions import changed, resent, resumed
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.silence import is_paused_by_service, longest_silence, silence
from chalicelib.texts import Text

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAN = Plan("block", 1000, 1, 1)
MAILING = Mailing(
    1, NOW - 9 * HOUR, NOW + 9 * HOUR, "text", status="running", plan=PLAN, is_fanned_out=True,
    counts=Counts(total=5, sent=2), progress_at=NOW - 3 * HOUR,
)  # fmt: skip
SENT = Counts(total=5, sent=5)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"canary": Canary(2)},
        {"rate_limit": 1, "awaits_feed": True},
        {"waits_until": NOW + HOUR},
        {"counts": Counts(), "is_fanned_out": False},
        {"releases": frozenset({NOW + HOUR})},
        {"counts": Counts(total=100, sent=94)},
        {"counts": Counts(total=1)},
    ],
    ids=["queued", "canary", "rate limit", "held back", "fan-out", "some wait for their hours", "6%", "one client"],
)
def test_a_mailing_that_may_send_is_silent_since_its_last_progress(state: dict[str, Any]) -> None:
    assert silence(replace(MAILING, **state), NOW) == 3 * HOUR


@pytest.mark.parametrize(
    "state",
    [
        {"awaits_hours": True, "releases": frozenset({NOW + HOUR})},
        {"counts": SENT},
        {"counts": Counts(total=100, sent=93, failed=2)},
        {"datetime_end": NOW},
        {"status": "paused"},
        {"status": "scheduled"},
        {"status": "cancelled"},
        {"status": "finished"},
    ],
    ids=["hours", "nothing left", "5%", "over", "paused", "scheduled", "cancelled", "finished"],
)
def test_a_mailing_without_messages_to_post_is_not_silent(state: dict[str, Any]) -> None:
    mailing = replace(MAILING, **state)
    assert silence(mailing, NOW) is None
    assert longest_silence([mailing], NOW) is None


def test_silence_begins_anew_when_a_mailing_begins_to_post_again() -> None:
    assert silence(replace(MAILING, posting_since=NOW - HOUR), NOW) == HOUR
    assert silence(replace(MAILING, posting_since=NOW - 4 * HOUR), NOW) == 3 * HOUR, "it has made progress since"
    assert silence(replace(MAILING, progress_at=None, posting_since=NOW - HOUR), NOW) == HOUR


@pytest.mark.parametrize(
    "decide",
    [
        lambda: resumed(replace(MAILING, status="paused"), NOW),
        lambda: resent(replace(MAILING, counts=Counts(total=5, sent=2, failed=3)), ["failed"], NOW),
        lambda: resent(replace(MAILING, status="finished", counts=Counts(total=5, failed=5)), ["failed"], NOW),
        lambda: changed(replace(MAILING, status="finished", datetime_end=NOW), {"datetime_end": NOW + HOUR}, NOW),
        lambda: changed(replace(MAILING, datetime_end=NOW), {"datetime_end": NOW + HOUR}, NOW),
    ],
    ids=["resumed", "resent while running", "resent after it", "a later end", "a later end before the last round"],
)
def test_a_decision_by_which_a_mailing_posts_again_begins_its_silence_anew(decide: Callable[[], Mailing]) -> None:
    queued_again = replace(decide(), counts=MAILING.counts)
    assert silence(queued_again, NOW + HOUR / 2) == HOUR / 2


def test_a_change_of_the_text_is_no_new_beginning() -> None:
    assert silence(changed(MAILING, {"message_text": "new"}, NOW), NOW) == 3 * HOUR


def test_the_longest_silence_is_that_of_any_mailing() -> None:
    quicker = replace(MAILING, id=2, progress_at=NOW - HOUR)
    waiting = replace(MAILING, id=3, progress_at=NOW - 9 * HOUR, awaits_hours=True)
    assert longest_silence([quicker, MAILING, waiting], NOW) == 3 * HOUR


def test_a_mailing_is_paused_by_the_service_until_a_person_decides_or_its_end() -> None:
    paused = replace(MAILING, status="paused", paused_because=Text("mailing.too_many_errors"))
    assert is_paused_by_service(paused, NOW)
    assert not is_paused_by_service(replace(paused, paused_because=None), NOW), "a person has paused it"
    assert not is_paused_by_service(replace(paused, status="running"), NOW)
    assert not is_paused_by_service(paused, paused.datetime_end)
