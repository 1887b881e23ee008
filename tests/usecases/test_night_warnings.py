"""The warning before a launch that clients get the text at night, by their own clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from chalicelib.clients.registry import register_client
from chalicelib.domain.decisions import announced
from chalicelib.domain.filter import Filter
from chalicelib.domain.first_messages import LocalStarts
from chalicelib.domain.forecast import Forecast
from chalicelib.domain.mailing_fields import MailingFields
from chalicelib.domain.send_window import SendWindow
from chalicelib.mailings.audience import Audience
from chalicelib.mailings.launch_warnings import night_warnings, with_first_messages
from chalicelib.mailings.preview import LaunchForecast, Preview, preview_mailing
from chalicelib.zones import zone
from infra.local.doubles.fakes import FakeServices

SAMARA, MOSCOW, VLADIVOSTOK, KAMCHATKA = "Europe/Samara", "Europe/Moscow", "Asia/Vladivostok", "Asia/Kamchatka"
RUSSIA = {"Europe/Kaliningrad": 1, MOSCOW: 2, SAMARA: 3, "Asia/Omsk": 1, VLADIVOSTOK: 3, KAMCHATKA: 1}


def warnings(
    clients: Mapping[str, int],
    start: str,
    *,
    rate: int | None = None,
    window: SendWindow | None = None,
    language: str = "en",
) -> list[str]:
    """`start`: the time of a day, in UTC."""
    services = FakeServices()
    begins = datetime.combine(services.clock.now() + timedelta(days=7), time.fromisoformat(start), UTC)
    places = [name for name, number in clients.items() for _ in range(number)]
    for place, name in enumerate(places):
        register_client(services, {"phone_number": f"797700000{place:02d}", "timezone": name})
    fields = MailingFields(datetime_start=begins, datetime_end=begins + timedelta(days=1), message_text="text")
    mailing = replace(announced(fields, 0, services.clock.now()), rate_limit=rate, window=window)
    preview = preview_mailing(services, Filter(), "text", planned=mailing)
    preview = with_first_messages(services, preview, mailing, UTC)
    return [text.in_language(language) for text in night_warnings(preview, window)]


def lasting(hours: int) -> list[str]:
    """The warnings of a mailing that begins at ten in the morning in Moscow, where all its clients are."""
    begins = datetime(2030, 6, 3, 7, tzinfo=UTC)
    ends = begins + timedelta(hours=hours)
    audience = Audience(2, is_whole=True, is_sampled=False, groups=Counter({(MOSCOW, "977"): 2}))
    launch = LaunchForecast(audience, begins, 1, Forecast(ends, 2, begins_at=begins))
    firsts = LocalStarts({MOSCOW: 2}, None, ends, zone).first_messages(begins)
    preview = Preview(2, is_whole=True, length=None, launch=launch, first_messages=tuple(firsts))
    return [str(text) for text in night_warnings(preview, None)]


def test_a_night_for_all_clients_of_one_zone_is_said_of_all() -> None:
    assert warnings({SAMARA: 5}, "20:03") == [
        "When sending begins, it is night for all 5 clients: 00:03 (UTC+04:00). Set local hours, or another start."
    ]
    assert warnings({SAMARA: 5}, "20:03", language="ru") == [
        "Когда начнётся отправка, у всех 5 клиентов будет ночь: 00:03 (UTC+04:00). "
        "Задайте часы отправки или другое начало."
    ]


def test_a_night_for_some_is_said_with_their_number_and_up_to_three_zones_from_the_evening_on() -> None:
    told = "When sending begins, it is night for 4 of 11 clients: 22:00 (UTC+10:00) and 00:00 (UTC+12:00)."
    assert warnings(RUSSIA, "12:00") == [f"{told} Set local hours, or another start."]
    assert warnings(RUSSIA, "12:00", language="ru") == [
        "Когда начнётся отправка, у 4 из 11 клиентов будет ночь: 22:00 (UTC+10:00) и 00:00 (UTC+12:00). "
        "Задайте часы отправки или другое начало."
    ]


def test_a_night_in_more_zones_is_said_from_the_earliest_to_the_latest_local_time() -> None:
    told = "When sending begins, it is night for all 11 clients: from 21:30 to 07:30 by their clocks."
    assert warnings(RUSSIA, "19:30") == [f"{told} Set local hours, or another start."]
    assert "с 21:30 до 07:30 по их времени" in warnings(RUSSIA, "19:30", language="ru")[0]


@pytest.mark.parametrize("start", ["05:00", "09:00"])
def test_a_start_by_day_for_all_has_no_warning(start: str) -> None:
    assert warnings({MOSCOW: 2, SAMARA: 1}, start) == []
    assert warnings({}, "20:00") == []


def test_a_slow_mailing_that_lasts_into_the_night_names_a_zone_whose_day_has_ended() -> None:
    clients = {MOSCOW: 11, "Europe/Kaliningrad": 1}
    told = "Some clients get the message at night: from 21:00 on in Europe/Moscow. Set local hours, or another start."
    assert warnings(clients, "17:59:55", rate=1) == [told]
    begins = (
        "When sending begins, it is night for 1 of 13 clients: 21:59 (UTC+04:00). Set local hours, or another start."
    )
    assert warnings({SAMARA: 1, **clients}, "17:59:55", rate=1) == [begins, told]
    assert warnings(clients, "17:59:55") == []


def test_a_mailing_that_lasts_over_the_night_until_the_next_day_says_so() -> None:
    told = "Some clients get the message at night: from 21:00 on in Europe/Moscow. Set local hours, or another start."
    assert lasting(hours=2) == []
    assert lasting(hours=14) == [told]
    assert lasting(hours=24) == [told], "by then it is day again"


def test_local_hours_are_judged_by_themselves() -> None:
    by_day, late = SendWindow(time(9), time(20)), SendWindow(time(9), time(23))
    assert warnings({SAMARA: 1}, "20:00", window=by_day) == []
    assert "include the night" in warnings({SAMARA: 1}, "20:00", window=late)[0]
