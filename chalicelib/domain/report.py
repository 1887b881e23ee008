"""The daily report: the mailings of a day, their sums, and the reasons of failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from ..texts import Text
from .counts import NO_COUNTS, Counts
from .mailing import SCHEDULED, Mailing

MAX_LINES = 5000
"""Mailings that a section lists; its sums include all. An email with full lists has about 3 MB."""

MAX_REASONS = 30
MAX_TEXT_LENGTH = 200


@dataclass(frozen=True)
class Period:
    """From `start`, inclusive, to `end`, exclusive, in UTC."""

    start: datetime
    end: datetime

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass
class Section:
    """Mailings in the order of `add`. `lines` keeps the first MAX_LINES of them, with shortened texts."""

    lines: list[Mailing] = field(default_factory=list)
    number: int = 0
    counts: Counts = NO_COUNTS

    def add(self, mailing: Mailing) -> None:
        self.number += 1
        self.counts += mailing.counts
        if len(self.lines) < MAX_LINES:
            self.lines.append(replace(mailing, message_text=shorten(mailing.message_text)))

    @property
    def is_complete(self) -> bool:
        return len(self.lines) == self.number


@dataclass
class Reasons:
    """Why messages are failed, unknown or undelivered, with the number of messages. `is_complete`: all are counted."""

    numbers: Counter[Text] = field(default_factory=Counter)
    other: int = 0
    is_complete: bool = True

    def add(self, reason: Text) -> None:
        if reason in self.numbers or len(self.numbers) < MAX_REASONS:
            self.numbers[reason] += 1
        else:
            self.other += 1


@dataclass
class Report:
    """`period`: the reported day, of 23 to 25 hours (changes of the clock). `following`: the next day."""

    day: date
    made_at: datetime
    period: Period
    following: Period
    processed: Section = field(default_factory=Section)
    planned: Section = field(default_factory=Section)
    reasons: Reasons = field(default_factory=Reasons)

    def add(self, mailing: Mailing) -> None:
        if is_processed(mailing, self.period):
            self.processed.add(mailing)
        elif is_planned(mailing, self.following):
            self.planned.add(mailing)


def is_processed(mailing: Mailing, period: Period) -> bool:
    """The mailing ran during the period, or ended in it without a start."""
    if mailing.plan is None:
        return mailing.ended_at is not None and period.contains(mailing.ended_at)
    return mailing.datetime_start < period.end and (mailing.ended_at is None or mailing.ended_at >= period.start)


def is_planned(mailing: Mailing, following: Period) -> bool:
    """The mailing is due before the end of `following`, or started in it (for a report on a past day)."""
    if mailing.status == SCHEDULED:
        return mailing.datetime_start < following.end
    return mailing.plan is not None and following.contains(mailing.datetime_start)


def shorten(text: str) -> str:
    """In one line of at most MAX_TEXT_LENGTH characters."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT_LENGTH else line[: MAX_TEXT_LENGTH - 1] + "…"
