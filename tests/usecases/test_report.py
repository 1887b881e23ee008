"""The daily report: its content, that it is sent once, and the 24 hours that it covers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.email import Email
from chalicelib.errors import BadInput, NotSent
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.series import announce_series
from chalicelib.reports.daily import SCHEDULED_TIME, make_report, send_by_hand, send_report, send_scheduled
from infra.local.doubles.crashing_services import Crash
from infra.local.doubles.world import World

RECIPIENTS = ("anna@example.com", "oleg@example.com")
SENDER = "reports@example.com"
TODAY = date(2026, 11, 23)
AFTER_REPORT_TIME = datetime(2026, 11, 24, 9, 0, 20, tzinfo=UTC)
"""The next day, 20 s after the report's time. The fake clock begins at noon of the day before."""

REFUSED = Answer(400, "79770000001 is not allowed")


def plenty() -> float:
    return 300.0


def make_world(**settings: Any) -> World:
    world = World(**{"report_recipients": RECIPIENTS, "report_sender": SENDER, **settings})
    world.services.mailbox.verify(SENDER)
    return world


def world_with_a_day(**settings: Any) -> World:
    """One mailing was sent with two failures, one ended before its start, and one is planned; all for five clients."""
    world = make_world(**settings)
    world.clients(5)
    world.services.gateway.answers = [REFUSED, REFUSED]
    world.mailing(message_text="Привет")
    world.mailing(starts_in=-7200)
    world.mailing(starts_in=22 * 3600, message_text="tomorrow")
    world.run(4000)
    world.clock.time = AFTER_REPORT_TIME
    return world


def emails(world: World) -> list[Email]:
    sent: list[Email] = world.services.mailbox.sent
    return sent


def test_the_email_of_a_day_has_its_sums_its_reasons_and_the_planned_mailings() -> None:
    world = world_with_a_day()
    answer = send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    assert answer == {"sent": True, "date": "2026-11-24", "mailings": 2}
    (email,) = emails(world)
    assert (email.sender, email.recipients) == (SENDER, RECIPIENTS)
    assert email.subject == "Mailings, report of 2026-11-24: sent 3, failed 2"
    for said in ("Mailings processed: 2", "sent: 3", "failed: 2", "#1 Finished", "Привет"):
        assert said in email.text
    assert "The gateway refused the message (400). — 2" in email.text
    planned = email.text.partition("Planned until 2026-11-25 09:00: 1")[2]
    assert "#3 Scheduled, 2026-11-24 10:00" in planned
    assert "tomorrow" in planned


def test_the_planned_mailings_have_those_that_series_will_make() -> None:
    world = world_with_a_day(report_language="ru")
    start = AFTER_REPORT_TIME.replace(hour=8, second=0) + timedelta(days=1)
    for hours in (0, 3):
        first = start + timedelta(hours=hours)
        dates: Any = {"datetime_start": first, "datetime_end": first + timedelta(hours=1)}
        announce_series(world.services, {**dates, "message_text": f"серия {hours}", "repeat": ("daily",)})
    send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    (email,) = emails(world)
    planned = email.text.partition("Запланировано до 25.11.2026 09:00: 2")[2]
    assert "Серия № 1 Запланирована, 25.11.2026 08:00 – 25.11.2026 09:00" in planned
    assert "серия 0" in planned
    assert "серия 3" not in email.text + email.html, "it starts after the next report"
    assert ">Серия № 1</td>" in email.html


def test_no_phone_number_is_in_the_email() -> None:
    world = world_with_a_day()
    send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    (email,) = emails(world)
    table = email.attachments[0].content.decode()
    phones = [client.phone_number for client in world.services.clients.rows.values()]
    assert not [phone for phone in phones if phone in email.text + email.html + table]


def test_a_retried_run_and_a_repeated_schedule_send_nothing() -> None:
    world = world_with_a_day()
    send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    world.clock.forward(3600)
    again = send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    assert again == {"sent": False, "detail": "This report was sent before."}
    assert len(emails(world)) == 1


def test_each_day_has_its_own_report() -> None:
    world = world_with_a_day()
    send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    send_scheduled(world.services, "2026-11-25T09:00:00Z", plenty)
    assert len(emails(world)) == 2


def test_a_person_can_send_a_day_again_and_each_request_sends_it_once() -> None:
    world = world_with_a_day()
    send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    for request in ("first", "first", "second"):
        send_by_hand(world.services, {"date": "2026-11-24"}, request, plenty)
    assert len(emails(world)) == 3


def test_a_report_that_ses_refused_is_sent_by_the_retry() -> None:
    world = world_with_a_day()
    world.services.mailbox.verified.clear()
    with pytest.raises(NotSent):
        send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    world.services.mailbox.verify(SENDER)
    assert send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)["sent"]
    assert len(emails(world)) == 1


def test_a_run_that_died_while_sending_is_not_repeated_and_the_answer_says_so() -> None:
    world = world_with_a_day()

    def die() -> None:
        raise Crash

    world.services.mailbox.after_sending = die
    with pytest.raises(Crash):
        send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    world.services.mailbox.after_sending = lambda: None
    answer = send_scheduled(world.services, "2026-11-24T09:00:00Z", plenty)
    assert not answer["sent"]
    assert '{"date": "2026-11-24"}' in str(answer["detail"])
    assert len(emails(world)) == 1


def test_without_recipients_nothing_is_read_or_sent() -> None:
    world = make_world(report_recipients=(), report_sender="")
    world.services.mailings = None  # type: ignore[assignment]
    answer = send_scheduled(world.services, SCHEDULED_TIME, plenty)
    assert "REPORT_RECIPIENTS is empty" in str(answer["detail"])
    assert emails(world) == []


def test_a_day_without_mailings_has_a_report() -> None:
    world = make_world()
    assert send_by_hand(world.services, {"date": "2026-11-23"}, "request", plenty)["sent"]
    assert "Mailings processed: 0" in emails(world)[0].text


def test_without_time_the_email_says_that_the_reasons_are_incomplete() -> None:
    world = world_with_a_day()
    send_report(world.services, date(2026, 11, 24), "name", lambda: 30.0)
    (email,) = emails(world)
    assert "failed: 2" in email.text
    assert "Incomplete" in email.text
    assert "Incomplete" in email.html


def test_all_mailings_are_read_and_only_mailings_of_the_day_are_kept() -> None:
    world = make_world()
    for _ in range(1150):
        world.mailing(starts_in=-7200)
    world.clock.forward(timedelta(days=30).total_seconds())
    report = make_report(world.services, date(2026, 11, 24), plenty)
    assert report.processed.number == 1150
    assert make_report(world.services, date(2026, 12, 20), plenty).processed.lines == []


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        ("UTC", date(2026, 11, 23), "2026-11-22T09:00", "2026-11-23T09:00"),
        ("Europe/Moscow", date(2026, 11, 23), "2026-11-22T06:00", "2026-11-23T06:00"),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T08:00", "2026-03-29T07:00"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T07:00", "2026-10-25T08:00"),
    ],
)
def test_a_day_lasts_from_one_report_to_the_next_in_its_zone(zone: str, day: date, start: str, end: str) -> None:
    world = make_world(report_timezone=zone)
    period = make_report(world.services, day, plenty).period
    assert [f"{moment:%Y-%m-%dT%H:%M}" for moment in (period.start, period.end)] == [start, end]


def test_a_report_time_skipped_by_the_clock_leaves_no_gap_between_two_days() -> None:
    world = make_world(report_timezone="Europe/Berlin", report_time="02:30")
    before, after = (make_report(world.services, date(2026, 3, day), plenty) for day in (29, 30))
    assert before.period.end == after.period.start == before.following.start


@pytest.mark.parametrize(
    ("scheduled", "day"),
    [("2026-11-22T22:30:00Z", "2026-11-23"), (SCHEDULED_TIME, "2026-11-24"), ("2026-11-22T02:00:00", "2026-11-22")],
)
def test_the_scheduled_report_covers_the_day_of_the_schedule_in_its_zone(scheduled: str, day: str) -> None:
    """MiniStack does not fill in the time of the schedule. Then the day is that of the current moment, here 01:00 in
    Vladivostok.
    """
    world = make_world(report_timezone="Asia/Vladivostok")
    world.clock.time = datetime(2026, 11, 23, 15, tzinfo=UTC)
    assert send_scheduled(world.services, scheduled, plenty)["date"] == day


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"date": "22.11.2026"}, {"date"}),
        ({"date": "20261122"}, {"date"}),
        ({"date": "2026-02-30"}, {"date"}),
        ({"date": 20261122}, {"date"}),
        ({"date": None}, {"date"}),
        ({"date": "2026-11-25"}, {"date"}),
        ({"date": "0001-01-01"}, {"date"}),
        ({}, {"date"}),
        ({"day": "2026-11-22"}, {"date", "day"}),
        ({"date": "2026-11-22", "scheduled": "2026-11-22T09:00:00Z"}, {"scheduled"}),
    ],
)
def test_an_invalid_request_is_refused_by_name_and_sends_nothing(sent: dict[str, object], wrong: set[str]) -> None:
    world = make_world()
    with pytest.raises(BadInput) as refused:
        send_by_hand(world.services, sent, "request", plenty)
    assert set(refused.value.body) == wrong
    assert emails(world) == []


def test_the_next_report_can_be_sent_before_its_time() -> None:
    world = make_world()
    world.clients(2)
    world.mailing(message_text="so far")
    world.run(60)
    assert send_by_hand(world.services, {"date": "2026-11-24"}, "request", plenty)["sent"]
    assert "so far" in emails(world)[0].text
