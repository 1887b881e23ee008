"""The routes of the API and the pages of the console at 100,000 clients and 1,000 mailings, beside an empty route.

One connection asks for all routes in turns; each turn begins with the empty route of the same MiniStack. The calls to
AWS are counted in this process, which serves the same request over the same tables.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests

from chalicelib import runtime
from chalicelib import settings as settings_module
from infra.local.deployment import STACK_NAME, api_url
from infra.local.environment import local_environment
from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from infra.local.stack import DevStack

from .aws_calls import counted_calls
from .empty_app import deploy_empty_app
from .measure import Row
from .stacks import local_stack, muted_logs
from .used_account import CLIENTS, MAILINGS, NEWEST_FINISHED, fill_account

MOST = 3.0
TURNS, SECONDS_A_ROUTE, FEWEST = 80, 1.5, 5
"""A route is asked for in each turn until its time is used up."""

TRIES = 3
"""Requests of which the calls are counted; the first one reads what the next ones have."""

FORM = "application/x-www-form-urlencoded"
TIMES = {"datetime_start": "2040-01-01T10:00:00Z", "datetime_end": "2040-01-03T10:00:00Z", "message_text": "Hello"}
NOT_ALLOWED = ("PUT", "/Clients/")
"""Refused before anything is read: what it calls in this process is the authorizer, which API Gateway caches."""


@dataclass(frozen=True)
class Route:
    """`form`: the fields of a POST. A field with the value None gets a new phone number each time.

    `is_limited`: False if the route reads many rows for its answer, see docs/PERFORMANCE.md.
    """

    name: str
    path: str
    form: Mapping[str, str | None] | None = None
    is_limited: bool = True

    @property
    def method(self) -> str:
        return "GET" if self.form is None else "POST"


def _preview(name: str, is_limited: bool = True, **filters: str) -> Route:
    return Route(f"POST /Mailing/preview/ {name}", "/Mailing/preview/", {**TIMES, **filters}, is_limited)


ROUTES = (
    Route("POST /Clients/", "/Clients/", {"phone_number": None, "tag": "tag 7"}),
    Route("GET /Clients/", "/Clients/"),
    Route("GET /Clients/?tag=", "/Clients/?tag=tag%207"),
    Route("GET /Clients/{id}/history/", f"/Clients/{CLIENTS // 2}/history/"),
    Route("GET /Mailing/", "/Mailing/"),
    Route("GET /Stats/", "/Stats/"),
    Route("GET /Stats/{id}/", f"/Stats/{NEWEST_FINISHED}/"),
    Route("GET /Stats/{id}/?status=failed", f"/Stats/{NEWEST_FINISHED}/?status=failed&limit=50", is_limited=False),
    _preview("of a tag", filter_tag="tag 7"),
    _preview("by two codes", is_limited=False, filter_op_codes="907,908"),
    _preview("of everyone", is_limited=False),
    Route("console: overview", "/console/", is_limited=False),
    Route("console: mailings", "/console/mailings/"),
    Route("console: a mailing", f"/console/mailings/{NEWEST_FINISHED}/"),
    Route("console: its failed messages", f"/console/mailings/{NEWEST_FINISHED}/?status=failed", is_limited=False),
    Route("console: a mailing that starts later", f"/console/mailings/{MAILINGS}/"),
    Route("console: clients", "/console/clients/"),
    Route("console: a client", f"/console/clients/{CLIENTS // 2}/"),
    Route("console: imports", "/console/imports/"),
    Route("console: audit log", "/console/audit/"),
    Route("console: form of a mailing", "/console/drafts/1"),
)


def run() -> list[Row]:
    with local_stack() as stack:
        with muted_logs():
            fill_account(STACK_NAME)
        visitor = Visitor.signed_in(api_url(stack.aws_url, stack.outputs))
        empty_url = f"{api_url(stack.aws_url, deploy_empty_app())}/"
        _take_turns(visitor, empty_url, turns=2)  # warms up the Lambdas
        times, sizes = _take_turns(visitor, empty_url, TURNS)
        logged = statistics.median(_seconds(visitor, f"{empty_url}logged") for _ in range(TURNS))
        calls = _count_calls(stack, visitor)
    return [Row("an empty route that writes a log line: p50", "ms", 1000 * logged), *_all_rows(times, sizes, calls)]


def _all_rows(times: Times, sizes: dict[str, int], calls: dict[str, tuple[int, float]]) -> list[Row]:
    return [row for route in ROUTES for row in _rows(route, times, sizes[route.name], calls[route.name])]


@dataclass(frozen=True)
class Visitor:
    """A program with a token, and a person with a session of the console, on one connection."""

    url: str
    session: requests.Session
    phones: Any

    @classmethod
    def signed_in(cls, url: str) -> Visitor:
        session = requests.Session()
        session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"
        form = {"name": LOCAL_USER, "password": LOCAL_PASSWORD}
        answer = session.post(f"{url}/console/sign-in", data=form, allow_redirects=False, timeout=30)
        session.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
        session.get(f"{url}/console/mailings/new", allow_redirects=False, timeout=30)  # gives out the first draft's id
        return cls(url, session, itertools.count(79_990_000_000))

    def body(self, route: Route) -> str | None:
        if route.form is None:
            return None
        return urlencode({name: next(self.phones) if value is None else value for name, value in route.form.items()})

    def ask(self, route: Route) -> int:
        """The size of the answer in bytes."""
        headers = {"Content-Type": FORM} if route.form is not None else {}
        answer = self.session.request(
            route.method, self.url + route.path, data=self.body(route), headers=headers, timeout=60
        )
        answer.raise_for_status()
        return len(answer.content)


Times = dict[str, list[tuple[float, float]]]
"""Seconds of each call of a route and of the empty route in the same turn."""


def _take_turns(visitor: Visitor, empty_url: str, turns: int) -> tuple[Times, dict[str, int]]:
    times: Times = {route.name: [] for route in ROUTES}
    sizes: dict[str, int] = {}
    for _ in range(turns):
        empty = _seconds(visitor, empty_url)
        for route in ROUTES:
            taken = times[route.name]
            if len(taken) >= FEWEST and sum(seconds for seconds, _ in taken) > SECONDS_A_ROUTE:
                continue
            began = time.perf_counter()
            sizes[route.name] = visitor.ask(route)
            taken.append((time.perf_counter() - began, empty))
    return times, sizes


def _seconds(visitor: Visitor, url: str) -> float:
    began = time.perf_counter()
    visitor.session.get(url, timeout=30).raise_for_status()
    return time.perf_counter() - began


def _count_calls(stack: DevStack, visitor: Visitor) -> dict[str, tuple[int, float]]:
    """The AWS calls of one request to each route, and the seconds of the processor that it takes here.

    Without the calls of the authorizer, whose answer API Gateway keeps. MiniStack is another process.
    """
    os.environ.update(local_environment(stack.aws_url))
    settings_module.settings.cache_clear()
    runtime.services.cache_clear()
    from chalice.test import Client

    from app import app

    headers = {"Authorization": f"Token {LOCAL_TOKEN}", "Cookie": str(visitor.session.headers["Cookie"])}
    found: dict[str, tuple[int, float]] = {}
    with counted_calls() as calls, muted_logs(), Client(app) as client:
        for route in (Route("", NOT_ALLOWED[1]), *ROUTES):
            more = {"Content-Type": FORM} if route.form is not None else {}
            seconds = []
            for _ in range(TRIES):
                calls.clear()
                body = (visitor.body(route) or "").encode()
                method = route.method if route.name else NOT_ALLOWED[0]
                began = time.process_time()
                client.http.request(method, route.path.replace("/?", "?"), headers={**headers, **more}, body=body)
                seconds.append(time.process_time() - began)
            found[route.name] = calls.total(), statistics.median(seconds)
    return {
        name: (number if name.startswith("console") else number - found[""][0], seconds)
        for name, (number, seconds) in found.items()
    }


def _rows(route: Route, times: Times, size: int, calls: tuple[int, float]) -> list[Row]:
    seconds, empty = zip(*times[route.name], strict=True)
    about = f"{route.name}, {calls[0]} calls, {size / 1000:.0f} KB, {1000 * calls[1]:.0f} ms of CPU"
    most = MOST if route.is_limited else None
    rows = []
    for what, figure in ((f"{about}: p50", statistics.median), (f"{route.name}: p99", _p99)):
        ours, other = 1000 * figure(seconds), 1000 * figure(empty)
        rows.append(Row(what, "ms", ours, other, ours / other, most=most))
    return rows


def _p99(values: Any) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]
