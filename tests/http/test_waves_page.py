"""The page of a mailing with local hours shows its messages by UTC offset, in both languages."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta

import pytest

from chalicelib.adapters.services import Services
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.counts import Counts
from chalicelib.domain.timeline import Sample
from chalicelib.mailings.lifecycle import get_mailing

from .conftest import Call
from .test_console import MAILING, Browser, anna, anonymous, launch_due
from .test_running_page import text_of

__all__ = ["anna", "anonymous"]

PATHS = ("/console/mailings/1", "/console/mailings/1?live=1")


@pytest.fixture
def now(services: Services) -> datetime:
    return services.clock.now()


@pytest.fixture
def waiting(anna: Browser, services: Services, now: datetime) -> Browser:
    """Mailing 1 to two clients in UTC, whose local hours are open, and one in Kolkata, five and a half hours ahead."""
    for number, timezone in enumerate(("UTC", "Africa/Accra", "Asia/Kolkata")):
        anna.post("/console/clients/new", phone_number=f"7977000000{number}", timezone=timezone)
    announce(anna, services, now, lasts_days=2)
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    services.mailings.add_counts(1, Counts(sent=1), now, now)
    services.timelines.add_waves(1, Counter({("sent", 0): 1}), now.replace(year=2041))
    return anna


def announce(browser: Browser, services: Services, now: datetime, lasts_days: float) -> None:
    hours = {"time_from": f"{now - timedelta(hours=1):%H:%M}", "time_to": f"{now + timedelta(hours=1):%H:%M}"}
    start, end = (f"{now + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (lasts_days / 2, lasts_days))
    launch_due(browser, services, **{**MAILING, "datetime_start": start, "datetime_end": end, **hours})


def rows_of(page: str) -> list[str]:
    [table] = re.findall(r'<table class="cards waves".*?</table>', page, re.DOTALL)
    return [text_of(row).strip() for row in re.findall(r'<tr><td class="text">.*?</tr>', table, re.DOTALL)]


def test_each_wave_has_its_local_time_its_hours_and_its_numbers(waiting: Browser, now: datetime) -> None:
    closes, opens = now + timedelta(hours=1), now + timedelta(hours=24 - 1 - 5.5)
    for path in PATHS:
        page = waiting.get(path).text
        kolkata, utc = rows_of(page)
        assert f'open at <time datetime="{opens:%Y-%m-%dT%H:%M}:00Z">' in re.sub(r"\s*<time", " <time", page)
        assert re.fullmatch(r"UTC\+05:30 Asia/Kolkata now \d\d:\d\d there open at .*UTC 1 0 0 1", kolkata)
        assert re.fullmatch(rf"UTC\+00:00 Africa/Accra, UTC now \d\d:\d\d there open until {closes:%H:%M} 2 1 0 1", utc)


def test_the_bars_have_the_same_numbers_and_one_scale(waiting: Browser) -> None:
    page = waiting.get("/console/mailings/1").text
    bars = re.findall(r'<svg class="chart" viewBox="0 0 2 1".*?</svg>', page)
    assert [re.findall(r'class="(\w+)".*?width="(\d+)"', bar[4:]) for bar in bars[-2:]] == [
        [("chart", "1")],
        [("chart", "2"), ("sent", "1")],
    ]
    assert "style=" not in page


def test_the_waves_are_told_in_russian(waiting: Browser) -> None:
    waiting.headers["Accept-Language"] = "ru"
    page = waiting.get("/console/mailings/1").text
    assert "Сообщения по часовым поясам" in page
    kolkata, utc = rows_of(page)
    assert "там сейчас" in kolkata
    assert "начнутся" in kolkata
    assert "идут до" in utc


def test_hours_that_do_not_open_before_the_end_are_named(anna: Browser, services: Services, now: datetime) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", timezone="Asia/Kolkata")
    announce(anna, services, now, lasts_days=0.1)
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    [kolkata] = rows_of(anna.get("/console/mailings/1").text)
    assert "do not open before the end 1 0 0 1" in kolkata


def test_a_mailing_without_local_hours_has_no_waves(anna: Browser, services: Services) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", timezone="Asia/Kolkata")
    launch_due(anna, services, **MAILING)
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    for path in PATHS:
        assert "waves" not in anna.get(path).text


def test_the_page_of_a_mailing_to_all_offsets_stays_small(waiting: Browser, services: Services) -> None:
    offsets = [*range(-720, 840, 60), *range(-570, 840, 120)]
    counts = {(kind, offset): 10**6 for kind in ("planned", "sent", "not_sent") for offset in offsets}
    services.timelines.replace_waves(1, Counter(counts), services.clock.now().replace(year=2041))
    for language in ("en", "ru"):
        waiting.headers["Accept-Language"] = language
        page = waiting.get("/console/mailings/1").text
        assert len(rows_of(page)) == len(set(offsets))
        assert len(page.encode()) < 100_000


def test_a_mailing_is_not_expected_to_be_done_before_its_last_local_hours_open(
    waiting: Browser, services: Services, now: datetime
) -> None:
    services.timelines.keep_sample(1, Sample(now - timedelta(minutes=3), Counts(total=3)), now.replace(year=2041))
    [opens] = get_mailing(services, 1).releases
    for path, words in ((PATHS[0], "expected to be done: <b>"), ("/console", 'data-label="Expected end">')):
        page = re.sub(r"\s*<time", "<time", waiting.get(path).text)
        assert f'{words}<time datetime="{opens:%Y-%m-%dT%H:%M:%SZ}"' in page, path


def test_the_waves_of_a_cancelled_mailing_await_no_hours(waiting: Browser) -> None:
    waiting.post("/console/mailings/1/cancel")
    kolkata, utc = rows_of(waiting.get("/console/mailings/1").text)
    assert kolkata.endswith("— 1 0 0 1")
    assert utc.endswith("— 2 1 0 1")


def test_a_date_of_the_year_1_is_written_as_scripts_read_it(anna: Browser, call: Call) -> None:
    """Some programs send it in place of no date. strftime does not pad years below 1000."""
    dates = {"datetime_start": "0001-01-01", "datetime_end": "0001-01-01T00:00:01.5"}
    assert call("POST", "/Mailing", json={**dates, "message_text": "text"}).status == 201
    for path in ("/console/mailings", "/console/mailings/1"):
        page = anna.get(path).text
        assert 'datetime="0001-01-01T00:00:00Z"' in page
        assert 'datetime="0001-01-01T00:00:01Z"' in page
