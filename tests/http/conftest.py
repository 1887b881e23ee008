"""The API through chalice.test.Client, over tables in MiniStack, with a token of each role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client
from pynamodb.models import Model

from app import app
from chalicelib import runtime
from chalicelib import settings as settings_module
from chalicelib.access.tokens import make_token
from chalicelib.adapters.opened_tables import OpenedTables
from chalicelib.adapters.services import Services
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.counts import Counts
from chalicelib.domain.message import MessageKey
from chalicelib.settings import Settings
from infra.local.doubles.aws import make_services
from infra.local.in_process import State, ministack_in_process, saved_state


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


Call = Callable[..., Answer]


def refusal(answer: Answer, detail: str) -> dict[str, str]:
    """The body of an error that the published contract does not fix."""
    return {"detail": detail, "request_id": answer.headers["X-Request-Id"]}


@pytest.fixture(scope="session")
def new_stack() -> tuple[Settings, State]:
    """Tables and queues, made once; each test begins with a copy."""
    with ministack_in_process():
        return make_services().settings, saved_state()


@pytest.fixture
def services(new_stack: tuple[Settings, State], monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The services of the handlers and of the test. The settings come from the environment, as on Lambda."""
    settings, state = new_stack
    with ministack_in_process(state):
        for name, value in vars(settings).items():
            if value is None:
                continue
            monkeypatch.setenv(name.upper(), ",".join(value) if isinstance(value, tuple) else str(value))
        settings_module.settings.cache_clear()
        runtime.services.cache_clear()
        yield runtime.services()
    settings_module.settings.cache_clear()
    runtime.services.cache_clear()


@pytest.fixture
def token(services: Services) -> str:
    return make_token(services, "shop", "admin")


@pytest.fixture
def call(token: str) -> Iterator[Call]:
    """`call("POST", "/Clients", json={...})`, or `form={...}`, or `body=b"..."` with `content_type`; `more` headers."""
    with Client(app) as client:

        def call(
            method: str,
            path: str,
            json: Any = None,
            form: dict[str, str] | None = None,
            body: bytes = b"",
            content_type: str | None = None,
            authorization: str | None = f"Token {token}",
            key: str | None = None,
            more: dict[str, str] | None = None,
        ) -> Answer:
            if json is not None:
                body, content_type = _dumped(json), "application/json"
            if form is not None:
                body, content_type = urlencode(form).encode(), "application/x-www-form-urlencoded"
            headers = {"Host": "api.example.com", "X-Forwarded-Proto": "https"}
            headers |= {"Content-Type": content_type} if content_type else {}
            headers |= {"Authorization": authorization} if authorization else {}
            headers |= {"Idempotency-Key": key} if key is not None else {}
            headers |= more or {}
            answer = client.http.request(method, path, headers=headers, body=body)
            return Answer(answer.status_code, answer.headers, answer.body.decode())

        yield call


@pytest.fixture
def mailing(call: Call, services: Services) -> dict[str, object]:
    """A mailing that is fanned out to three clients. The first message is sent."""
    for number in range(3):
        call("POST", "/Clients", json={"phone_number": f"7977000000{number}"})
    now = datetime.now(UTC)
    times = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    call("POST", "/Mailing", json={**times, "message_text": "text"})
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    claimed = services.messages.claim(MessageKey(1, 1, 1), now, now + timedelta(seconds=9))
    assert claimed is not None
    services.messages.settle(claimed, "sent", now)
    services.mailings.add_counts(1, Counts(sent=1), now, now)
    found: dict[str, object] = call("GET", "/Mailing/1").json
    return found


@pytest.fixture
def written(services: Services) -> Callable[[], list[Any]]:
    """All rows of all tables, without counters and the last use of tokens, for comparisons before and after."""
    for name, value in vars(OpenedTables).items():
        if isinstance(value, cached_property):
            getattr(services, name)

    def written() -> list[Any]:
        tables = [model for model in Model.__subclasses__() if model.__name__ != "CounterRow"]
        rows = [row.to_simple_dict() for model in tables for row in model.scan()]
        return [{name: value for name, value in row.items() if name != "last_used_at"} for row in rows]

    return written


def _dumped(body: Any) -> bytes:
    return json.dumps(body).encode()
