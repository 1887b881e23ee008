"""Headers of requests that are trusted, and headers of every answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client

from app import app
from chalicelib.access.sign_in_attempts import ATTEMPT_PERIOD, MAX_ATTEMPTS
from chalicelib.adapters.services import Services
from tests.cheap_user import PASSWORD, put_user

from .conftest import Answer

HOST = "abc.execute-api.eu-west-1.amazonaws.com"


class Caller:
    """Sends any headers, as curl does."""

    def __init__(self, http: Any) -> None:
        self._http = http

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        sent = {"Host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = self._http.request(method, path, headers=sent, body=body)
        return Answer(answer.status_code, answer.headers, answer.body.decode())

    def sign_in(self, password: str = PASSWORD, **headers: str) -> Answer:
        form = urlencode({"name": "anna", "password": password}).encode()
        return self("POST", "/console/sign-in", form, Content_Type="application/x-www-form-urlencoded", **headers)


class FakeKey:
    def value(self) -> str:
        return "a key that signs"


@pytest.fixture
def local(services: Services) -> Iterator[Caller]:
    services.session_key = FakeKey()  # type: ignore[misc, assignment]
    put_user(services, "anna", "admin")
    with Client(app) as client:
        yield Caller(client.http)


@pytest.fixture
def deployed(local: Caller, services: Services) -> Caller:
    """The same service as a stage of AWS."""
    services.settings = replace(services.settings, stage="prod")
    return local


FORGED = {"X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil.example", "X_Forwarded_Prefix": "//evil.example/x"}


def test_outside_the_local_stage_forwarded_headers_of_a_caller_change_nothing(deployed: Caller, token: str) -> None:
    def answers(**headers: str) -> list[Any]:
        listed = deployed("GET", "/Clients?limit=1", Authorization=f"Token {token}", **headers)
        pages = [
            deployed("GET", path, **headers) for path in ("/openapi.json", "/docs", "/", "/console", "/console/sign-in")
        ]
        pages += [deployed.sign_in(**headers)]
        cookie = pages[-1].headers.pop("Set-Cookie").partition(";")[2]
        assert len({page.headers.pop("X-Request-Id") for page in pages}) == len(pages)
        return [listed.text, cookie, *[(page.status, page.headers, page.text) for page in pages]]

    assert answers(**FORGED) == answers()
    assert f"https://{HOST}/console/" in str(answers())
    assert "Secure" in answers()[1]


def test_on_the_local_stage_the_front_names_scheme_and_prefix(local: Caller) -> None:
    assert local("GET", "/", X_Forwarded_Proto="http").headers["Location"] == f"http://{HOST}/console/"
    forwarded = {"X_Forwarded_Proto": "HTTP", "X_Forwarded_Prefix": "/api/"}
    assert local("GET", "/", **forwarded).headers["Location"] == f"http://{HOST}/api/console/"


def test_too_many_attempts_say_when_to_try_again(deployed: Caller) -> None:
    for _ in range(MAX_ATTEMPTS["user from address"]):
        assert deployed.sign_in("wrong").status == 401
    refused = deployed.sign_in()
    assert refused.status == 429
    assert 0 < int(refused.headers["Retry-After"]) <= ATTEMPT_PERIOD.total_seconds()
    assert "Too many sign-in attempts" in refused.text


def test_a_sign_in_is_logged_with_the_user(deployed: Caller, lines: Callable[[], list[dict[str, Any]]]) -> None:
    deployed.sign_in("wrong")
    deployed.sign_in()
    refused, *requests = lines()
    assert (refused["message"], refused["user"]) == ("sign-in refused", "anna")
    assert [(line["status"], line.get("who")) for line in requests] == [(401, None), (303, "anna")]


ANSWERS = [
    ("GET", "/Clients", 200),
    ("GET", "/Clients/export", 200),
    ("GET", "/Clients/7", 404),
    ("DELETE", "/Clients", 405),
    ("POST", "/Clients", 400),
    ("GET", "/metrics", 200),
    ("POST", "/Receipts", 404),
    ("GET", "/openapi.json", 200),
    ("GET", "/docs", 200),
    ("GET", "/docs/none.js", 404),
    ("GET", "/", 302),
    ("GET", "/console", 303),
    ("GET", "/console/sign-in", 200),
    ("DELETE", "/console/sign-in", 405),
    ("GET", "/console/static/none.css", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_no_answer_is_stored_or_sniffed(deployed: Caller, token: str, method: str, path: str, status: int) -> None:
    answer = deployed(method, path, Authorization=f"Token {token}")
    assert answer.status == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_an_unexpected_error_has_the_headers_too(deployed: Caller, services: Services, token: str) -> None:
    services.counters = None  # type: ignore[assignment, misc]
    answer = deployed("GET", "/Clients", Authorization=f"Token {token}")
    assert (answer.status, answer.headers["Cache-Control"]) == (500, "no-store")
    assert {"X-Content-Type-Options", "Strict-Transport-Security"} <= set(answer.headers)


def test_static_files_may_be_stored_and_are_not_sniffed(deployed: Caller) -> None:
    for path in ("/console/static/console.css", "/docs/docs.js", "/docs/swagger-ui.min.css"):
        headers = deployed("GET", path).headers
        assert headers["Cache-Control"].startswith("max-age=")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Strict-Transport-Security" in headers


def test_the_local_stage_serves_http_and_does_not_ask_for_https(local: Caller) -> None:
    headers = local("GET", "/openapi.json").headers
    assert "Strict-Transport-Security" not in headers
    assert headers["Cache-Control"] == "no-store"


OWN = f"https://{HOST}"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://{HOST}"},
        {"Origin": f"{OWN}:8443"},
        {"Origin": f"{OWN}.evil.example"},
        {"Origin": OWN, "Sec_Fetch_Site": "same-site"},
        {"Origin": OWN, "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
    ids=str,
)
def test_a_sign_in_from_another_site_is_refused(deployed: Caller, headers: Mapping[str, str]) -> None:
    answer = deployed.sign_in(**headers)
    assert answer.status == 403
    assert "This form was sent from another site." in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OWN},
        {"Origin": OWN, "Sec_Fetch_Site": "same-origin"},
        {"Origin": "https://sms.example.com", "Sec_Fetch_Site": "same-origin"},
    ],
    ids=["a program", "an old browser", "a browser", "a browser behind a proxy that changes Host"],
)
def test_a_sign_in_from_the_own_page_is_accepted(deployed: Caller, headers: Mapping[str, str]) -> None:
    assert deployed.sign_in(**headers).status == 303
