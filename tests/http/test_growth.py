"""Pages and lists take the same number of reads whatever the number of mailings, clients and messages."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib.adapters.services import Services
from chalicelib.console.session import begin_session
from chalicelib.domain.audience import Plan
from chalicelib.domain.counts import Counts
from chalicelib.domain.mailing import FINISHED, MAILING_ID, RUNNING, Mailing
from tests.cheap_user import put_user

from .conftest import Call

Get = Callable[[str], str]


class Counted:
    """Counts the calls of one part of the services, and the rows that they ask for by id."""

    def __init__(self, services: Services, part: str) -> None:
        self.part = getattr(services, part)
        self.calls: list[str] = []
        self.rows = 0
        setattr(services, part, self)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.part, name)
        if not callable(value):
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append(name)
            self.rows += len(list(arguments[0])) if name in ("get_many", "outlines") else 0
            return value(*arguments, **named)

        return call


class FakeKey:
    def value(self) -> str:
        return "a key that signs"


@pytest.fixture
def get(services: Services) -> Get:
    """A page of the console."""
    services.session_key = FakeKey()  # type: ignore[misc, assignment]
    put_user(services, "anna", "admin")
    user = services.users.find("anna")
    assert user is not None
    headers = {"Host": "api.example.com", "Cookie": f"session={begin_session(services, user, '', '')}"}

    def get(path: str) -> str:
        with Client(app) as client:
            answer = client.http.get(path, headers=headers)
        assert answer.status_code == 200
        return str(answer.body.decode())

    return get


@pytest.fixture(params=[30, 150])
def mailings(request: pytest.FixtureRequest, services: Services) -> int:
    """Finished mailings. Returns how many."""
    now = services.clock.now()
    for number in range(1, request.param + 1):
        start = now - timedelta(days=9)
        mailing = Mailing(number, start, start, "text", status=FINISHED, ended_at=now, counts=Counts(total=1, sent=1))
        services.mailings.add(mailing)
    services.counters.lease_ids(MAILING_ID, request.param)
    return int(request.param)


def test_a_page_of_mailings_reads_one_row_more_than_it_shows(services: Services, get: Get, mailings: int) -> None:
    counted = Counted(services, "mailings")
    assert get("/console/mailings?limit=20").count('id="mailing-') == 20
    assert (counted.calls, counted.rows) == (["active_ids", "scheduled_ids", "get_many"], 21)


@pytest.mark.parametrize("path", ["/Mailing", "/Stats"])
def test_a_list_of_the_api_reads_one_mailing_more_than_it_shows(
    services: Services, call: Call, mailings: int, path: str
) -> None:
    counted = Counted(services, "mailings")
    assert len(call("GET", f"{path}?limit=20").json["results"]) == 20
    assert counted.rows == 21


def test_the_page_of_a_client_looks_for_its_messages_in_the_newest_mailings_and_its_link_in_the_others(
    services: Services, get: Get, call: Call, mailings: int
) -> None:
    call("POST", "/Clients", json={"phone_number": "79770000001"})
    counted = Counted(services, "mailings")
    page = get("/console/clients/1")
    assert counted.calls == ["outlines", "outlines"]
    assert counted.rows == min(mailings, 121)
    following = re.search(r'href="([^"]+)" rel="next"', page)
    assert (following is not None) == (mailings > 121)
    if following:
        assert 'rel="next"' not in get(html.unescape(following[1])), "all others, within a second"


@pytest.mark.parametrize("shards", [1, 5, 50])
def test_the_page_of_a_mailing_with_rare_errors_looks_for_them_in_a_few_reads(
    services: Services, get: Get, shards: int
) -> None:
    now = services.clock.now()
    end = now + timedelta(hours=1)
    services.mailings.add(Mailing(1, now, end, "text", status=RUNNING, plan=Plan("block", 10**6, 1, shards)))
    services.mailings.add_counts(1, Counts(total=10**6, failed=1, unknown=1, expired=1), now)
    counted = Counted(services, "messages")
    get("/console/mailings/1")
    assert counted.calls.count("find") <= 5 + 2
