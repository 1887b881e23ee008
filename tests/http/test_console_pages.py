"""Every page of the console is in the list that the tests in a browser and the bench visit."""

from __future__ import annotations

from app import app
from tools.console_pages import NO_PAGES, PAGES

from .test_console import Browser, anna, anonymous

__all__ = ["anna", "anonymous"]

IDS = {"mailing_id": "7", "client_id": "7", "import_id": "7", "session_id": "x", "name": "anna", "number": "1"}


def test_every_route_of_the_console_is_a_page_that_the_browser_tests_visit_or_is_named_as_none() -> None:
    routes = {route for route in app.routes if route.startswith("/console")}
    assert routes - NO_PAGES == set(PAGES), "add a new page to tools/console_pages.py"
    assert routes >= NO_PAGES


def test_a_route_that_is_named_as_no_page_answers_with_a_file_a_redirect_or_a_refusal(anna: Browser) -> None:
    for route in sorted(NO_PAGES):
        answer = anna.get(route.format_map(IDS))
        assert answer.status != 200 or not answer.headers["Content-Type"].startswith("text/html"), route
