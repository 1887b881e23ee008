"""`chalice local --stage local` serves the API and the console, on the tables and queues of a local stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .chalice_local import chalice_local

HEADERS = {"Authorization": f"Token {LOCAL_TOKEN}"}


@pytest.fixture(scope="module")
def url(stack: DevStack) -> Iterator[str]:
    with chalice_local(stack) as url:
        yield url


def test_the_api_accepts_the_contracts_token_and_sends(
    url: str, simulator: Simulator, finished: Callable[[int], dict[str, Any]]
) -> None:
    assert requests.get(f"{url}/Clients/", timeout=30).status_code == 401
    phone = {"phone_number": "79581230001", "tag": "chalice-local"}
    assert requests.post(f"{url}/Clients/", headers=HEADERS, data=phone, timeout=30).status_code == 201
    now = datetime.now(UTC)
    times = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    fields = {**times, "message_text": "by chalice local", "filter_tag": "chalice-local"}
    mailing = requests.post(f"{url}/Mailing/", headers=HEADERS, data=fields, timeout=30).json()
    assert finished(mailing["id"])["messages"]["sent"] == 1
    assert [message["text"] for message in simulator.seen.messages.values()] == ["by chalice local"]
    page = requests.get(f"{url}/Mailing/?limit=1", headers=HEADERS, timeout=30).json()
    assert page["results"][0]["id"] == mailing["id"]
    assert page["next"] is None or page["next"].startswith(f"{url}/Mailing")


def test_a_user_signs_in_to_the_console(url: str) -> None:
    with requests.Session() as browser:
        first = browser.get(f"{url}/", timeout=30)
        assert first.url.startswith(f"{url}/console/sign-in"), "every link stays on this machine, over HTTP"
        own_form = first.text.partition("</form>")[0]  # the footer has a form of its own
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', own_form))
        form = {**hidden, "name": LOCAL_USER, "password": LOCAL_PASSWORD}
        page = browser.post(f"{url}/console/sign-in", data=form, timeout=30)
        assert page.status_code == 200
        assert LOCAL_USER in page.text
        assert "chalice-local" in browser.get(f"{url}/console/clients", timeout=30).text
