"""Finding clients and mailings in the console."""

from __future__ import annotations

import re

from chalicelib.adapters.services import Services
from chalicelib.clients import listing
from chalicelib.clients.registry import register_client

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


def test_a_search_that_has_not_looked_at_all_clients_says_so_and_goes_on(
    anna: Browser, services: Services, monkeypatch: object
) -> None:
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
