"""The daily report as a letter: HTML, plain text and a table for Excel, in the reader's language and time zone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from functools import partial
from pathlib import Path

from .domain.letter import Attachment, Letter
from .domain.mailing import Mailing
from .domain.message import STATUSES
from .domain.report import Report
from .rendering import RUSSIAN, render, translate
from .settings import Settings

LETTERS = Path(__file__).parent / "letters"
SHOWN = 100
"""Mailings that a chapter of the letter shows; the others are in the attachment."""

PARAMETER = re.compile(r"[0-9]+|(?<=: )[A-Za-z]+(?=\.$)")
"""What differs between reasons of one kind: the gateway's status, or the name of what went wrong."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins so is a formula to Excel (OWASP, "CSV Injection")."""

Show = Callable[[datetime], str]


def compose(report: Report, settings: Settings, zone: tzinfo) -> Letter:
    language = settings.report_language
    values = {
        "report": report,
        "zone": settings.report_timezone,
        "statuses": STATUSES,
        "shown": SHOWN,
        "number": partial(number, language),
        "moment": partial(moment, language, zone),
        "reason": partial(reason, language),
    }
    return Letter(
        sender=settings.report_sender,
        recipients=settings.report_recipients,
        subject=subject(report, language),
        html=render(LETTERS, "report.html", language, **values),
        text=render(LETTERS, "report.txt", language, **values),
        attachments=(table(report, language, settings.report_timezone, zone),),
    )


def subject(report: Report, language: str) -> str:
    _ = partial(translate, LETTERS, language)
    counts = report.processed.counts
    return _("Mailings, report of {day}: sent {sent}, failed {failed}").format(
        day=shown_day(language, report.day),
        sent=number(language, counts.sent),
        failed=number(language, counts.failed),
    )


def table(report: Report, language: str, zone_name: str, zone: tzinfo) -> Attachment:
    """A row for each mailing. UTF-8 with its mark, and semicolons: so that Excel opens it in Russia as well."""
    _ = partial(translate, LETTERS, language)
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    times = [f"{_(name)} ({zone_name})" for name in ("Start", "End")]
    writer.writerow(["id", _("Text"), *times, _("Status"), _("Messages"), *(_(status) for status in STATUSES)])
    for mailing in report.processed.lines:
        writer.writerow(_row(mailing, _(mailing.status.capitalize()), partial(moment, language, zone)))
    return Attachment(f"mailings-{report.day}.csv", "text/csv", file.getvalue().encode("utf-8-sig"))


def _row(mailing: Mailing, status: str, show: Show) -> list[object]:
    counts = mailing.counts
    times = [show(mailing.datetime_start), show(mailing.datetime_end)]
    return [mailing.id, cell(mailing.message_text), *times, status, counts.total, *counts.by_status().values()]


def cell(text: str) -> str:
    """A text that Excel takes for a text, whatever it begins with."""
    return f"'{text}" if text.startswith(FORMULA) else text


def number(language: str, value: int) -> str:
    """12,345 or 12 345, that one with a space that does not break."""
    grouped = f"{value:,}"
    return grouped.replace(",", "\u00a0") if language == RUSSIAN else grouped


def shown_day(language: str, day: date) -> str:
    return f"{day:%d.%m.%Y}" if language == RUSSIAN else day.isoformat()


def moment(language: str, zone: tzinfo, value: datetime) -> str:
    try:
        local = value.astimezone(zone)
    except OverflowError:  # within a day of the year 1 or 9999
        local = value
    return f"{shown_day(language, local.date())} {local:%H:%M}"


def reason(language: str, text: str) -> str:
    """A reason in the reader's language."""
    found = PARAMETER.search(text)
    what = found[0] if found else ""
    kind = PARAMETER.sub("{what}", text, count=1)
    return translate(LETTERS, language, kind).replace("{what}", what)
