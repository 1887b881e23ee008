"""The email of the daily report: HTML, plain text and a table for Excel, in the configured language and time zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from functools import partial
from pathlib import Path

from ..domain.counts import Counts
from ..domain.csv_file import write_rows
from ..domain.email import Attachment, Email
from ..domain.mailing import Mailing
from ..domain.money import shown_amount
from ..domain.report import Report
from ..rendering import render, translate
from ..settings import Settings
from ..wording import RUSSIAN, grouped

TEMPLATES = Path(__file__).parent / "templates"
MAX_SHOWN = 100
"""Mailings that a section of the email shows. The attachment has the others."""

Show = Callable[[datetime], str]


def compose(report: Report, settings: Settings, zone: tzinfo) -> Email:
    language = settings.report_language
    values = {
        "report": report,
        "zone": settings.report_timezone,
        "figures": partial(figures, settings),
        "shown": MAX_SHOWN,
        "number": partial(grouped, language),
        "spent": partial(spent, settings),
        "moment": partial(moment, language, zone),
    }
    return Email(
        sender=settings.report_sender,
        recipients=settings.report_recipients,
        subject=subject(report, language),
        html=render(TEMPLATES, "report.html", language, **values),
        text=render(TEMPLATES, "report.txt", language, **values),
        attachments=(table(report, settings, zone),),
    )


def subject(report: Report, language: str) -> str:
    _ = partial(translate, TEMPLATES, language)
    counts = report.processed.counts
    return _("Mailings, report of {day}: sent {sent}, failed {failed}").format(
        day=shown_day(language, report.day),
        sent=grouped(language, counts.sent),
        failed=grouped(language, counts.failed),
    )


def figures(settings: Settings, counts: Counts) -> dict[str, int]:
    """The counts by status, with delivered and undelivered only if the gateway sends delivery receipts."""
    return counts.with_receipts() if settings.receipts else counts.by_status()


def table(report: Report, settings: Settings, zone: tzinfo) -> Attachment:
    """A row for each mailing. A byte order mark and semicolons let Excel with Russian settings open the file too."""
    language = settings.report_language
    _ = partial(translate, TEMPLATES, language)
    times = [f"{_(name)} ({settings.report_timezone})" for name in ("Start", "End")]
    names = [_(name) for name in figures(settings, report.processed.counts)]
    money_names = [_("SMS parts"), ", ".join(filter(None, [_("Cost"), settings.gateway_currency]))]
    head = ["id", _("Text"), *times, _("Status"), _("Messages"), *names, *money_names]
    show, count = partial(moment, language, zone), partial(_columns, settings)
    rows = [_row(mailing, _(mailing.status.capitalize()), show, count) for mailing in report.processed.lines]
    return Attachment(f"mailings-{report.day}.csv", "text/csv", write_rows([head, *rows]).encode("utf-8-sig"))


def _row(mailing: Mailing, status: str, show: Show, count: Callable[[Counts], list[object]]) -> list[object]:
    times = [show(mailing.datetime_start), show(mailing.datetime_end)]
    return [mailing.id, mailing.message_text, *times, status, mailing.counts.total, *count(mailing.counts)]


def _columns(settings: Settings, counts: Counts) -> list[object]:
    """By status, with the SMS parts of the sent messages and their cost."""
    return [*figures(settings, counts).values(), counts.parts, money(settings.report_language, counts.cost)]


def spent(settings: Settings, counts: Counts) -> str:
    """12.50 RUB: what the messages have cost. Empty if no price was known."""
    amount = money(settings.report_language, counts.cost)
    return f"{amount} {settings.gateway_currency}".strip() if counts.cost else ""


def money(language: str, amount: int) -> str:
    """12.50, or in Russian 12,50, as Excel expects it."""
    shown = shown_amount(amount)
    return shown.replace(".", ",") if language == RUSSIAN else shown


def shown_day(language: str, day: date) -> str:
    return f"{day:%d.%m.%Y}" if language == RUSSIAN else day.isoformat()


def moment(language: str, zone: tzinfo, value: datetime) -> str:
    try:
        local = value.astimezone(zone)
    except OverflowError:  # within a day of the year 1 or 9999
        local = value
    return f"{shown_day(language, local.date())} {local:%H:%M}"
