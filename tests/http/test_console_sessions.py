"""The pages of sessions in the console."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chalicelib.adapters import aws
from chalicelib.adapters.services import Services

from .test_console import Browser, anna, anonymous

__all__ = ["anna", "anonymous"]


def another(browser: Browser, name: str, agent: str) -> Browser:
    found = Browser(browser.http)
    found.headers["User-Agent"] = agent
    found.sign_in(name)
    return found


def ids(page: str) -> list[str]:
    return re.findall(r'/sessions/([0-9a-f]{32})"', page)


def test_a_user_lists_and_ends_the_own_sessions_one_by_one(anna: Browser) -> None:
    phone = another(anna, "anna", "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36")
    page = anna.get("/console/sessions").text
    assert "Chrome, Android" in page
    assert page.count("this session") == 1
    (id_,) = ids(page)
    assert anna.post(f"/console/sessions/{id_}").headers["Location"] == "/console/sessions?done=session_ended"
    assert phone.get("/console").status == 303
    assert anna.get("/console").status == 200
    assert anna.post(f"/console/sessions/{id_}").status == 404


def test_signing_out_everywhere_ends_every_session_of_the_user(anna: Browser) -> None:
    laptop, phone = anna, another(anna, "anna", "")
    old = laptop.cookie
    answer = laptop.post("/console/sessions")
    assert answer.headers["Location"] == "/console/sign-in"
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    laptop.cookie = old
    assert [browser.get("/console").status for browser in (laptop, phone)] == [303, 303]


def test_an_admin_ends_sessions_of_any_user(anna: Browser, services: Services) -> None:
    tabs = [another(anna, "boris", "") for _ in range(3)]
    listed = ids(anna.get("/console/users/boris/sessions").text)
    assert len(listed) == 3
    anna.post(f"/console/users/boris/sessions/{listed[0]}")
    assert sorted(tab.get("/console").status for tab in tabs) == [200, 200, 303]
    anna.post("/console/users/boris/sessions")
    assert [tab.get("/console").status for tab in tabs] == [303] * 3
    assert "not signed in" in anna.get("/console/users/boris/sessions").text
    assert anna.get("/console/users/nobody/sessions").status == 404
    today = services.clock.now().toordinal()
    actions = [one.action for one in services.audit.read(today, 10**20, 2)]
    assert actions == ["signed out everywhere", "session ended"]


def test_a_read_only_user_ends_the_own_sessions_and_no_others(
    anonymous: Browser, written: Callable[[], list[Any]]
) -> None:
    anonymous.sign_in("boris")
    of_anna = another(anonymous, "anna", "")
    phone = another(anonymous, "boris", "")
    (id_,) = ids(of_anna.get("/console/users/anna/sessions").text) or ["0" * 32]
    before = written()
    assert anonymous.get("/console/users/anna/sessions").status == 403
    assert anonymous.post("/console/users/anna/sessions").status == 403
    assert anonymous.post(f"/console/sessions/{id_}").status == 404, "a session of another user"
    assert written() == before
    (id_,) = ids(anonymous.get("/console/sessions").text)
    anonymous.post(f"/console/sessions/{id_}")
    assert phone.get("/console").status == 303
    assert anonymous.post("/console/sessions").status == 303


def test_a_session_of_an_earlier_version_asks_to_sign_in_again(anna: Browser, services: Services) -> None:
    """Rows of users had no sessions."""
    from chalicelib.adapters.tables.users import UserRow

    UserRow("anna").update([UserRow.sessions.remove()])
    assert anna.get("/console").status == 303
    anna.sign_in("anna")
    assert anna.get("/console").status == 200


def test_a_page_request_reads_the_session_with_the_user_and_writes_nothing(anna: Browser, services: Services) -> None:
    calls: list[str] = []
    aws.client("dynamodb").meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    assert anna.get("/console/sessions").status == 200
    assert calls == ["GetItem"]
