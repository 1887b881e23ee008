"""Finding clients and mailings in the console."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.clients import listing
from chalicelib.clients.registry import register_client
from chalicelib.domain.counts import Counts
from chalicelib.domain.mailing import CANCELLED, FINISHED, MAILING_ID, RUNNING, SCHEDULED, Mailing
from chalicelib.domain.send_window import SendWindow

from .conftest import Call
from .test_console import Browser, anna, anonymous

__all__ = ["anna", "anonymous"]


def clients_on(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'href="/console/clients/(\d+)"', page)]


def test_the_page_of_clients_finds_what_people_type(anna: Browser, services: Services) -> None:
    for phone, attributes in (("79031234567", {"город": "Омск"}), ("79210009031", {})):
        register_client(services, {"phone_number": phone, "attributes": attributes})
    assert clients_on(anna.get("/console/clients?phone=%2B7+(903)").text) == [1]
    assert clients_on(anna.get("/console/clients?phone=4567&opted_out=false").text) == [1]
    assert clients_on(anna.get("/console/clients?attribute=город=омск").text) == [1]
    page = anna.get("/console/clients?phone=9031").text
    assert clients_on(page) == [1]
    assert "/console/clients?phone=%2A9031" in page, "9031 may also be meant as the end of a number"
    assert clients_on(anna.get("/console/clients?phone=*9031").text) == [2]
    assert "No client matches." in anna.get("/console/clients?phone=77777").text


def test_the_page_of_clients_says_what_a_phone_number_looks_like(anna: Browser) -> None:
    answer = anna.get("/console/clients?phone=anna")
    assert answer.status == 400
    assert 'id="phone-error"' in answer.text
    assert 'value="anna"' in answer.text


def test_a_search_that_has_not_looked_at_all_clients_says_so_and_goes_on(anna: Browser, services: Services) -> None:
    register_client(services, {"phone_number": "79031234567"})
    services.counters.lease_ids("client_id", 30_000)
    assert "Search on" not in anna.get("/console/clients?phone=4567").text
    original, listing.LIST_SECONDS = listing.LIST_SECONDS, 0.0
    try:
        page = anna.get("/console/clients?phone=4567").text
    finally:
        listing.LIST_SECONDS = original
    assert clients_on(page) == [1]
    assert "has not looked at everything" in page
    assert re.search(r'href="/console/clients\?phone=4567&amp;limit=50&amp;cursor=[^"]+" rel="next">Search on', page)


def mailings_on(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'id="mailing-(\d+)"', page)]


@pytest.fixture
def mailings(services: Services) -> None:
    """Finished, running, scheduled, cancelled, scheduled for an earlier moment, finished. Open ones have messages."""
    statuses = (FINISHED, RUNNING, SCHEDULED, CANCELLED, SCHEDULED, FINISHED)
    now = datetime(2040, 1, 10, 12, tzinfo=UTC)
    for number, status in enumerate(statuses, start=1):
        start = now - timedelta(days=number) if status != SCHEDULED else now + timedelta(days=10 - number)
        shown: dict[str, Any] = {"status": status}
        ended = None if status in (RUNNING, SCHEDULED) else now
        services.mailings.add(
            Mailing(number, start, now + timedelta(days=20), f"Текст {number}", ended_at=ended, **shown)
        )
        services.mailings.add_counts(number, Counts(total=number % 6), now)
    services.counters.lease_ids(MAILING_ID, len(statuses))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [2, 5, 3, 6, 4, 1]),
        ("order=newest", [6, 5, 4, 3, 2, 1]),
        ("order=start", [3, 5, 1, 2, 4, 6]),
        ("order=size", [5, 3, 2, 6, 4, 1]),
        ("status=scheduled", [5, 3]),
        ("text=ТЕКСТ+4", [4]),
        ("from=2040-01-08&to=2040-01-09", [2, 1]),
        ("from=2040-01-08&status=finished", [1]),
        ("segment=7", []),
        ("text=nothing", []),
    ],
)
def test_mailings_are_filtered_and_sorted_and_those_under_way_come_first(
    anna: Browser, mailings: None, query: str, found: list[int]
) -> None:
    page = anna.get(f"/console/mailings?{query}").text
    assert mailings_on(page) == found
    assert (f"1–{len(found)} of {len(found)} mailing" in page) == bool(found)
    assert ("No mailing matches." in page) == (not found)


@pytest.mark.parametrize("query", ["", "order=newest", "status=scheduled"])
def test_the_pages_of_mailings_have_each_of_them_once(anna: Browser, mailings: None, query: str) -> None:
    whole = mailings_on(anna.get(f"/console/mailings?{query}").text)
    found, path = list[int](), f"/console/mailings?limit=2&{query}"
    while path:
        page = anna.get(path).text
        found += mailings_on(page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == whole


def test_the_days_of_the_list_are_those_of_the_users_zone(anna: Browser, mailings: None) -> None:
    """The second mailing starts at noon in UTC, which is past midnight in Kiritimati."""
    day = "/console/mailings?from=2040-01-09&to=2040-01-09"
    assert mailings_on(anna.get(day).text) == [1]
    anna.cookie += "; zone=Pacific/Kiritimati"
    page = anna.get(day).text
    assert (mailings_on(page), "in the zone Pacific/Kiritimati" in page) == ([2], True)
    anna.cookie += "x"
    assert mailings_on(anna.get(day).text) == [1], "an unknown zone means UTC"


def test_the_live_part_of_the_list_reads_the_shown_mailings_only(anna: Browser, mailings: None) -> None:
    page = anna.get("/console/mailings?status=scheduled").text
    assert 'data-live="/console/mailings?live=1&amp;ids=5.3"' in page
    assert mailings_on(anna.get("/console/mailings?live=1&ids=5.3.77.x").text) == [5, 3]


def test_a_wrong_filter_of_mailings_is_named_on_the_page(anna: Browser) -> None:
    answer = anna.get("/console/mailings?status=lost&segment=x")
    assert answer.status == 400
    assert 'id="status-error"' in answer.text


def test_the_api_filters_mailings(call: Call, mailings: None) -> None:
    def ids(query: str) -> list[int]:
        return [mailing["id"] for mailing in call("GET", f"/Mailing?{query}").json["results"]]

    assert ids("status=scheduled") == [5, 3]
    assert ids("status=scheduled&limit=1") == [5]
    assert ids("text=текст") == [6, 5, 4, 3, 2, 1]
    assert ids("start_from=2040-01-11&start_before=2040-01-16T00:00:00Z") == [5]
    assert [call("GET", f"/Mailing?{query}").status for query in ("status=x", "start_from=soon", "segment=0")] == [
        400
    ] * 3


def day_on(page: str, day: str) -> str:
    """The text of a day of the calendar."""
    found = re.search(rf'<h2 id="day-{day}">(.*?)(?=<h2|</ol>)', page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split())


def test_the_calendar_has_the_days_of_the_user_and_the_times_of_clients(anna: Browser, services: Services) -> None:
    start = datetime(2040, 1, 9, 20, 30, tzinfo=UTC)
    window = SendWindow(time(9), time(21))
    services.mailings.add(Mailing(1, start, start + timedelta(days=1), "Ждём вас", window=window))
    page = anna.get("/console/calendar?from=2040-01-11&zone=Europe/Moscow").text
    shown = day_on(page, "2040-01-09")
    assert shown.startswith("Mon, Jan 9, 2040 23:30 Ждём вас At the clients: Kaliningrad 22:30, Kamchatka 08:30 (Tue);")
    assert shown.endswith("; Local hours: 09:00–21:00")
    anna.cookie += "; zone=Asia/Omsk"
    page = anna.get("/console/calendar?from=2040-01-11&clients=Asia/Kamchatka").text
    assert "Ждём вас" not in day_on(page, "2040-01-09")
    assert "02:30 Ждём вас At the clients: Kamchatka 08:30;" in day_on(page, "2040-01-10")
    assert 'id="only-planned"' not in page, "these weeks are to come"
    assert "Nothing is scheduled" in anna.get("/console/calendar?from=2041-01-01&zone=Mars/Base&clients=x").text


def test_the_calendar_says_that_started_mailings_are_in_the_list(anna: Browser, services: Services) -> None:
    today = services.clock.now().date()
    monday = today - timedelta(days=today.weekday())
    page = anna.get("/console/calendar?zone=UTC").text
    assert "The calendar shows what has not started yet." in page
    assert f"/console/mailings?from={monday.isoformat()}&amp;to={today.isoformat()}&amp;zone=UTC" in page


def test_the_calendar_has_the_next_starts_of_active_series(anna: Browser, call: Call) -> None:
    times = {"datetime_start": "2040-01-09T06:00:00Z", "datetime_end": "2040-01-09T12:00:00Z", "message_text": "hello"}
    rule = {"repeat": "mon,wed", "timezone": "Europe/Moscow", "repeat_times": 3}
    assert call("POST", "/Series", json={**times, **rule}).status == 201
    page = anna.get("/console/calendar?from=2040-01-09&zone=Europe/Moscow").text
    shown = [day for day in range(9, 31) if "09:00 hello Series no. 1" in day_on(page, f"2040-01-{day:02}")]
    assert shown == [9, 11, 16]
    later = anna.get("/console/calendar?from=2040-01-16&zone=Europe/Moscow").text
    assert later.count("hello") == 1
    call("POST", "/Series/1/pause")
    assert "hello" not in anna.get("/console/calendar?from=2040-01-09").text


def test_a_full_day_of_the_calendar_links_to_its_mailings(anna: Browser, services: Services) -> None:
    start = datetime(2040, 1, 9, 9, tzinfo=UTC)
    for number in range(1, 10):
        services.mailings.add(Mailing(number, start, start + timedelta(days=1), "hello"))
    page = anna.get("/console/calendar?from=2040-01-09&zone=UTC").text
    assert page.count("hello") == 6
    assert "and 3 more" in day_on(page, "2040-01-09")
    link = re.search(r'href="([^"]+)">and 3 more', page)
    assert link is not None
    services.counters.lease_ids(MAILING_ID, 9)
    assert len(mailings_on(anna.get(link[1].replace("&amp;", "&")).text)) == 9


def test_a_history_that_has_not_looked_at_all_mailings_does_not_say_that_there_is_nothing(
    anna: Browser, call: Call, mailing: dict[str, object], services: Services
) -> None:
    newest = "/console/clients/1"
    assert "Search on" not in anna.get(newest).text
    assert '<a href="/console/mailings/1">text</a>' in anna.get(newest).text
    services.counters.lease_ids(MAILING_ID, 300)
    page = anna.get(newest).text
    assert "No messages to this client yet." not in page
    following = re.search(r'href="([^"]+)" rel="next">Search on', page)
    assert following is not None
    assert '<a href="/console/mailings/1">text</a>' in anna.get(following[1].replace("&amp;", "&")).text


def test_the_list_of_clients_says_how_many_there_are_exactly_or_about(anna: Browser, services: Services) -> None:
    for number in range(3):
        register_client(services, {"phone_number": f"7903000000{number}", "tag": "vip" if number else ""})
    for path, said in (
        ("/console/clients", "3 clients"),
        ("/console/clients?tag=vip", "2 clients"),
        ("/console/clients?limit=2", "About 3 clients, as counted within the last hours"),
    ):
        assert f'id="total">{said}</p>' in anna.get(path).text
    assert 'id="total"' not in anna.get("/console/clients?tag=vip&limit=1").text, "to count them would read them"


def test_a_count_that_is_older_than_the_shown_clients_is_not_shown(anna: Browser, services: Services) -> None:
    for number in range(3):
        register_client(services, {"phone_number": f"7903000000{number}"})
    services.clients.counted = lambda: 0  # type: ignore[method-assign]
    assert 'id="total">More than 2 clients</p>' in anna.get("/console/clients?limit=2").text
