"""The daily report: an email with the mailings of a day, their results and the planned mailings.

A schedule sends it once a day. A person can send the report of any day again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from ..domain.mailing import Mailing
from ..domain.message import FAILED, UNDELIVERED, UNKNOWN
from ..domain.report import MAX_LINES, Period, Report
from ..domain.walk import BEGINNING, Cursor
from ..errors import BadInput, NotSent, RowChanged
from ..logs import log
from ..mailings.calendar import starts_of_series
from ..mailings.listing import list_mailings
from ..mailings.stats import list_messages
from ..texts import Text
from .email import compose

if TYPE_CHECKING:
    from ..adapters.services import Services

PAGE = 1000
SECONDS_TO_SEND = 60.0
CLAIM_LIFE = timedelta(days=90)
FIRST_DAY = date(2000, 1, 1)
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""EventBridge Scheduler replaces this text with the scheduled time. MiniStack does not."""

NO_RECIPIENTS = "REPORT_RECIPIENTS is empty, so the report has no recipients."
ALREADY_SENT = "This report was sent before."
RESULT_UNKNOWN = (
    "Another run began to send this report and did not record the result. If no email arrives, send it by hand: "
    'aws lambda invoke with {"date": "%s"} (docs/OPERATIONS.md, "The daily report").'
)

Answer = dict[str, object]


def send_scheduled(services: Services, scheduled: str, seconds_left: Callable[[], float]) -> Answer:
    """Send the report of the scheduled day. A second run for the same day sends nothing. Raises BadInput, NotSent."""
    moment = services.clock.now() if scheduled == SCHEDULED_TIME else _moment(scheduled)
    day = moment.astimezone(_zone(services)).date()
    return send_report(services, day, day.isoformat(), seconds_left)


def send_by_hand(
    services: Services, sent: Mapping[str, object], request_id: str, seconds_left: Callable[[], float]
) -> Answer:
    """`{"date": "2026-11-22"}` sends the report of that day, on every request. Raises BadInput, NotSent.

    The next report can be sent before its time, with the numbers so far. `request_id` is the same on every retry.
    """
    day = read_day(sent, next_day(services))
    return send_report(services, day, f"{day}/{request_id}", seconds_left)


def next_day(services: Services) -> date:
    """The day of the report that covers this moment."""
    now = services.clock.now()
    today: date = now.astimezone(_zone(services)).date()
    return today if now < _end_of(services, today) else today + timedelta(days=1)


def read_day(sent: Mapping[str, object], latest: date) -> date:
    """Raises BadInput unless `sent` is a date from FIRST_DAY to `latest`, and nothing else."""
    errors = {name: [Text("field.unknown")] for name in sent if name != "date"}
    text = sent.get("date")
    day = _date(text) if isinstance(text, str) else None
    if "date" not in sent:
        errors["date"] = [Text("field.required")]
    elif day is None:
        errors["date"] = [Text("report.date_format")]
    elif not FIRST_DAY <= day <= latest:
        errors["date"] = [Text("report.day", first=FIRST_DAY.isoformat(), latest=latest.isoformat())]
    if errors or day is None:
        raise BadInput(errors)
    return day


def send_report(services: Services, day: date, name: str, seconds_left: Callable[[], float]) -> Answer:
    """Send the report at most once per `name`.

    The name is claimed before the email is sent, and released only if the email was certainly not sent (NotSent).
    """
    if not services.settings.report_recipients:
        return _not_sent(NO_RECIPIENTS)
    if services.reports.is_claimed(name):
        return _answer_claimed(services, day, name)
    report = make_report(services, day, seconds_left)
    email = compose(report, services.settings, _zone(services))
    now = services.clock.now()
    try:
        services.reports.claim(name, now, now + CLAIM_LIFE)
    except RowChanged:
        return _answer_claimed(services, day, name)
    try:
        services.mailbox.send(email)
    except NotSent:
        services.reports.unclaim(name)
        raise
    services.reports.mark_sent(name, services.clock.now())
    log.info("report sent", extra={"day": day.isoformat(), "mailings": report.processed.number})
    return {"sent": True, "date": day.isoformat(), "mailings": report.processed.number}


def make_report(services: Services, day: date, seconds_left: Callable[[], float]) -> Report:
    """Reads all mailings, because an id does not tell when a mailing ran. Keeps those of the day.

    A series makes a mailing at its start, so its next ones are planned mailings without an id.
    """
    start, end, until = (_end_of(services, day + timedelta(days=offset)) for offset in (-1, 0, 1))
    report = Report(day, services.clock.now(), Period(start, end), Period(end, until))
    for mailing in _all_mailings(services):
        report.add(mailing)
    for planned in starts_of_series(services, start, until, MAX_LINES)[0]:
        report.planned.add(planned.mailing)
    report.planned.lines.sort(key=lambda mailing: mailing.datetime_start)
    _count_reasons(services, report, seconds_left)
    return report


def _all_mailings(services: Services) -> Iterator[Mailing]:
    below: int | None = None
    while True:
        mailings, below = list_mailings(services, below, PAGE)
        yield from mailings
        if below is None:
            return


def _count_reasons(services: Services, report: Report, seconds_left: Callable[[], float]) -> None:
    """Small mailings first, so that a mailing of millions does not use up the time of the others."""
    report.reasons.is_complete = report.processed.is_complete
    for mailing in sorted(report.processed.lines, key=lambda mailing: mailing.counts.total):
        for status in (FAILED, UNKNOWN, UNDELIVERED):
            cursor: Cursor | None = BEGINNING if getattr(mailing.counts, status) else None
            while cursor is not None:
                if seconds_left() < SECONDS_TO_SEND:
                    report.reasons.is_complete = False
                    return
                messages, cursor = list_messages(services, mailing, status, cursor, PAGE)
                for message in messages:
                    report.reasons.add(message.last_error or Text("message.no_reason"))


def _end_of(services: Services, day: date) -> datetime:
    """When the report of this day is sent, in UTC. A local time that a clock change skips uses the offset before it."""
    local = datetime.combine(day, time.fromisoformat(services.settings.report_time))
    moment: datetime = _zone(services).localize(local)
    return moment.astimezone(UTC)


def _zone(services: Services) -> Any:
    import pytz  # without recipients the Lambda answers without this import

    zone: tzinfo = pytz.timezone(services.settings.report_timezone)
    return zone


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None  # fromisoformat also accepts 20261122 and 2026-W47-7


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput({"scheduled": [Text("report.moment")]}) from error
    if not FIRST_DAY.year <= moment.year < date.max.year:
        raise BadInput({"scheduled": [Text("report.moment")]})
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _answer_claimed(services: Services, day: date, name: str) -> Answer:
    if services.reports.is_sent(name):
        return _not_sent(ALREADY_SENT)
    log.error(RESULT_UNKNOWN, day, extra={"day": day.isoformat()})
    return {"sent": False, "detail": RESULT_UNKNOWN % day}


def _not_sent(detail: str) -> Answer:
    log.warning(detail)
    return {"sent": False, "detail": detail}
