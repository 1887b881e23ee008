"""Finding clients and mailings in the console."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.clients import listing
from chalicelib.clients.registry import register_client
from chalicelib.domain.mailing import CANCELLED, FINISHED, MAILING_ID, RUNNING, SCHEDULED, Counts, Mailing

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
