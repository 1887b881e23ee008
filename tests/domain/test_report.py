"""The mailings in a daily report, and what the report keeps of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.domain.audience import Plan
from chalicelib.domain.counts import Counts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.report import MAX_LINES, MAX_REASONS, MAX_TEXT_LENGTH, Period, Reasons, Report
from chalicelib.texts import Text

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
END = START + timedelta(days=1)
HOUR = timedelta(hours=1)
PLAN = Plan("block", 10, 1, 1)


def mailing(start: datetime, ended: datetime | None = None, **fields: object) -> Mailing:
    defaults = {"status": "finished" if ended else "running", "plan": PLAN, "ended_at": ended}
    times = {"datetime_start": start, "datetime_end": start + timedelta(days=3)}
    return Mailing(1, **{"message_text": "text", **times, **defaults, **fields})  # type: ignore[arg-type]


def report() -> Report:
    return Report(date(2026, 11, 22), END, Period(START, END), Period(END, END + timedelta(days=1)))


def section_of(one: Mailing) -> str:
    made = report()
    made.add(one)
    return "processed" if made.processed.lines else "planned" if made.planned.lines else "neither"


@pytest.mark.parametrize(
    "one",
    [
        mailing(START + HOUR, START + 2 * HOUR),
        mailing(START - 50 * HOUR, START),
        mailing(START - 50 * HOUR, END + HOUR),
        mailing(START - 50 * HOUR),
        mailing(END - HOUR, status="paused"),
        mailing(END - HOUR, status="cancelled"),
        mailing(START - 90 * HOUR, END - HOUR, plan=None),
        mailing(END + 90 * HOUR, END - HOUR, plan=None, status="cancelled"),
        mailing(START - 90 * HOUR, END - HOUR, plan=None, datetime_end=START - 99 * HOUR),
        mailing(START - 50 * HOUR, END - HOUR, datetime_end=START - 99 * HOUR),
    ],
    ids=[
        "within the day",
        "ended as the day began",
        "over the whole day",
        "still running",
        "paused",
        "cancelled, its messages not yet closed",
        "over before it could start",
        "cancelled before its start",
        "announced with an end before its start, both past",
        "its end moved before its start",
    ],
)
def test_a_mailing_that_ran_or_ended_on_the_day_is_processed(one: Mailing) -> None:
    assert section_of(one) == "processed"


@pytest.mark.parametrize(
    "one",
    [
        mailing(END, plan=None, status="scheduled"),
        mailing(START, plan=None, status="scheduled"),
        mailing(END + 23 * HOUR, END + 24 * HOUR),
        mailing(END),
    ],
    ids=["next", "late", "a past day's next", "started as the day ended"],
)
def test_a_mailing_that_starts_on_the_next_day_or_is_late_is_planned(one: Mailing) -> None:
    assert section_of(one) == "planned"


@pytest.mark.parametrize(
    "one",
    [
        mailing(START - 2 * HOUR, START - HOUR),
        mailing(END + 24 * HOUR, plan=None, status="scheduled"),
        mailing(END + 24 * HOUR),
        mailing(START - 90 * HOUR, END, plan=None),
        mailing(END + HOUR, START - HOUR, plan=None, status="cancelled"),
    ],
    ids=["ended before", "starts later", "started later", "ended without a start, later", "cancelled before"],
)
def test_other_mailings_are_not_in_the_report(one: Mailing) -> None:
    assert section_of(one) == "neither"


def test_sums_include_all_mailings_and_lines_are_limited() -> None:
    made = report()
    one = mailing(START, counts=Counts(total=5, sent=3, failed=1))
    for number in range(MAX_LINES + 2):
        made.add(replace(one, id=number))
    assert made.processed.number == MAX_LINES + 2
    assert made.processed.counts.sent == 3 * (MAX_LINES + 2)
    assert len(made.processed.lines) == MAX_LINES
    assert not made.processed.is_complete


def test_a_text_is_kept_in_one_short_line() -> None:
    made = report()
    made.add(mailing(START, END, message_text="\tДобрый \r\n день! " + "я" * 1000))
    text = made.processed.lines[0].message_text
    assert text.startswith("Добрый день! я")
    assert len(text) == MAX_TEXT_LENGTH


def test_reasons_beyond_the_limit_count_as_other() -> None:
    reasons, first = Reasons(), Text("gateway.answered", status=0)
    for number in range(MAX_REASONS + 5):
        reasons.add(Text("gateway.answered", status=number))
    reasons.add(first)
    assert (len(reasons.numbers), reasons.numbers[first], reasons.other) == (MAX_REASONS, 2, 5)
