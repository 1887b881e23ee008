"""The rule of the local servers against web pages, case by case."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from infra.local.ministack import refusing_foreign
from infra.local.origins import OwnOrigins

OWN = OwnOrigins((4566, 8000))
CONTAINER = OwnOrigins((9000,), "simulator")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("127.0.0.1:4566", True),
        ("localhost:4566", True),
        ("LOCALHOST:4566", True),
        ("0.0.0.0:4566", True),
        ("127.0.0.1:8000", True),  # forwarded by the front
        ("127.0.0.1:4567", False),
        ("127.0.0.1", False),
        ("127.0.0.1:", False),
        ("", False),
        ("127.0.0.2:4566", False),
        ("127.1:4566", False),
        ("[::1]:4566", False),
        ("localhost.:4566", False),
        ("localhost.example:4566", False),
        ("evil.example:4566", False),
        ("evil.example", False),
        ("bucket.localhost:4566", False),
        ("bucket.s3.amazonaws.com", False),
        ("0123abcd.execute-api.localhost:4566", False),
        ("abc.cloudfront.net", False),
        ("user@127.0.0.1:4566", False),
        ("127.0.0.1:4566, evil.example", False),
        ("simulator:4566", False),
    ],
)
def test_only_own_hosts_are_allowed(host: str, is_allowed: bool) -> None:
    refusal = OWN.refusal([("Host", host)])
    assert (refusal is None) == is_allowed
    if refusal:
        assert "http://127.0.0.1:4566" in refusal


@pytest.mark.parametrize(
    ("headers", "is_allowed"),
    [
        ({"Origin": "http://127.0.0.1:8000"}, True),
        ({"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"User-Agent": BROWSER}, True),
        ({"Origin": "http://127.0.0.1:9999"}, False),
        ({"Origin": "http://localhost:8000"}, False),
        ({"Origin": "http://0.0.0.0:8000"}, False),
        ({"Origin": "https://127.0.0.1:8000"}, False),
        ({"Origin": "http://127.0.0.1"}, False),
        ({"Origin": "http://127.0.0.1:80001"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),  # another port of this machine
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, False),
        ({"Sec-Fetch-Site": "unheard-of"}, False),
    ],
)
def test_only_programs_and_own_pages_are_allowed(headers: dict[str, str], is_allowed: bool) -> None:
    for names in (str, str.lower, str.upper):
        given = [("Host", "127.0.0.1:8000"), *((names(name), value) for name, value in headers.items())]
        assert (OWN.refusal(given) is None) == is_allowed


def test_a_repeated_header_cannot_hide_a_foreign_value() -> None:
    host, own, foreign = (
        ("Host", "127.0.0.1:8000"),
        ("Origin", "http://127.0.0.1:8000"),
        ("Origin", "https://evil.example"),
    )
    assert OWN.refusal([host, own]) is None
    assert OWN.refusal([host, own, foreign])
    assert OWN.refusal([host, foreign, own])
    assert OWN.refusal([host, ("Host", "evil.example")])
    assert OWN.refusal([host, host])
    assert OWN.refusal([])


@pytest.mark.parametrize("host", ["0.0.0.0:9000", "simulator:9000"])
def test_a_browser_that_names_no_page_is_refused_where_browsers_name_none(host: str) -> None:
    """Browsers send Sec-Fetch-Site to 127.0.0.1 and localhost only, and no Origin with most GET requests."""
    assert CONTAINER.refusal([("Host", host), ("User-Agent", "python-requests/2.32")]) is None
    assert CONTAINER.refusal([("Host", host)]) is None
    assert CONTAINER.refusal([("Host", host), ("User-Agent", BROWSER)])


def test_port_80_may_be_missing_as_clients_leave_it_out() -> None:
    assert OwnOrigins((80,)).refusal([("Host", "localhost"), ("Origin", "http://localhost")]) is None


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_ministack_gets_no_foreign_request(kind: str) -> None:
    served: list[str] = []
    sent: list[dict[str, Any]] = []

    async def serve(scope: Any, _: Any, __: Any) -> None:
        served.append(scope["type"])

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    guarded = refusing_foreign(serve, OWN)
    asyncio.run(guarded({"type": "lifespan"}, None, send))
    asyncio.run(guarded({"type": kind, "headers": [(b"host", b"127.0.0.1:4566")]}, None, send))
    assert (served, sent) == (["lifespan", kind], [])
    asyncio.run(guarded({"type": kind, "headers": [(b"host", b"evil.example")]}, None, send))
    assert len(served) == 2
    prefix = {"http": "http.response", "websocket": "websocket.http.response"}[kind]
    assert [event["type"] for event in sent] == [f"{prefix}.start", f"{prefix}.body"]
    assert sent[0]["status"] == 403
    assert "http://127.0.0.1:4566" in json.loads(sent[1]["body"])["detail"]
