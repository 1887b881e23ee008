"""The daily report: which mailings belong to a day, their sums, and why messages failed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from ..texts import Text
from .mailing import NOTHING, SCHEDULED, Counts, Mailing

MOST_LINES = 5000
"""Mailings that a chapter keeps one by one; all are in its sums. With all of them attached a letter has some 3 MB."""

MOST_REASONS = 30
LONGEST_TEXT = 200


@dataclass(frozen=True)
class Period:
    """From `start` up to `end`, which is not part of it; both in UTC."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass
class Chapter:
    """Mailings in the order in which they were added; of the first ones a line each, with a short text."""

    lines: list[Mailing] = field(default_factory=list)
    number: int = 0
    counts: Counts = NOTHING

    def add(self, mailing: Mailing) -> None:
        self.number += 1
        self.counts += mailing.counts
        if len(self.lines) < MOST_LINES:
            self.lines.append(replace(mailing, message_text=short(mailing.message_text)))

    @property
    def is_whole(self) -> bool:
        return len(self.lines) == self.number


@dataclass
class Reasons:
    """Why messages failed, are unknown or undelivered, and how many. `is_whole`: none was left uncounted."""

    numbers: Counter[Text] = field(default_factory=Counter)
    other: int = 0
    is_whole: bool = True

    def add(self, reason: Text) -> None:
        if reason in self.numbers or len(self.numbers) < MOST_REASONS:
            self.numbers[reason] += 1
        else:
            self.other += 1


@dataclass
class Report:
    """`period`: the 24 hours that it is about, more or less one where the clock was changed; then those that follow."""

    day: date
    made_at: datetime
    period: Period
    following: Period
    processed: Chapter = field(default_factory=Chapter)
    planned: Chapter = field(default_factory=Chapter)
    reasons: Reasons = field(default_factory=Reasons)

    def add(self, mailing: Mailing) -> None:
        if is_processed(mailing, self.period):
            self.processed.add(mailing)
        elif is_planned(mailing, self.following):
            self.planned.add(mailing)


def is_processed(mailing: Mailing, period: Period) -> bool:
    """It ran at some time of the period, or ended in it without ever having run."""
    if mailing.plan is None:
        return mailing.ended_at is not None and period.holds(mailing.ended_at)
    return mailing.datetime_start < period.end and (mailing.ended_at is None or mailing.ended_at >= period.start)


def is_planned(mailing: Mailing, following: Period) -> bool:
    """It waits for a start before the end of `following`, or has started in it: a past day is reported as it was."""
    if mailing.status == SCHEDULED:
        return mailing.datetime_start < following.end
    return mailing.plan is not None and following.holds(mailing.datetime_start)


def short(text: str) -> str:
    """In one line, and not too long a one."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"
