"""The pages of users in the console, for admins alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.access.audit import author_of
from chalicelib.access.users import remove_user
from chalicelib.adapters.services import Services

from .test_console import SCRIPT, Browser, anna, anonymous

__all__ = ["anna", "anonymous"]

PASSWORD = re.compile(r'<code id="new-password">([^<]+)</code>')


def test_a_user_is_made_gets_a_new_role_and_password_and_is_removed(anna: Browser, services: Services) -> None:
    made = PASSWORD.search(anna.post("/console/users", name="olga", role="read").text)
    assert made is not None
    assert made[1] not in anna.get("/console/users").text + anna.get("/console/audit").text
    olga = Browser(anna.http)
    olga.sign_in("olga", made[1])
    assert olga.get("/console/users").status == 403
    assert "only administrators" in olga.get("/console/users").text.lower()
    assert "selected>read" in anna.get("/console/users/olga/role").text
    assert "done=user_role" in anna.post("/console/users/olga/role", role="admin").headers["Location"]
    assert olga.get("/console/users").status == 200, "the role holds in the open session"
    assert "Make a new password?" in anna.get("/console/users/olga/password").text
    renewed = PASSWORD.search(anna.post("/console/users/olga/password").text)
    assert renewed is not None
    assert olga.get("/console").status == 303
    olga.sign_in("olga", renewed[1])
    assert olga.get("/console/users").status == 200
    assert "Remove this user?" in anna.get("/console/users/olga/remove").text
    anna.post("/console/users/olga/remove")
    assert olga.get("/console").status == 303
    changes = [(one.who, one.id, one.action) for one in services.audit.read(_today(services), 10**20, 50)]
    changes = [one for one in changes if one[0] == "anna" and one[1] == "olga"]
    assert [action for _, _, action in changes] == ["removed", "new password", "changed", "made"]


def _today(services: Services) -> int:
    return services.clock.now().toordinal()


@pytest.mark.parametrize(
    ("name", "role", "error"),
    [
        ("boris", "read", "A user has this name"),
        ("Boris", "read", "A user has this name"),
        (SCRIPT, "read", "1 to 64 letters"),
        ("olga", "king", "is not a valid choice"),
    ],
)
def test_a_user_that_cannot_be_made_is_an_error_at_its_field(
    anna: Browser, written: Callable[[], list[Any]], name: str, role: str, error: str
) -> None:
    before = written()
    answer = anna.post("/console/users", name=name, role=role)
    assert answer.status == 400
    assert error in answer.text
    assert SCRIPT not in answer.text
    assert written() == before


@pytest.mark.parametrize("page", ["users", "tokens"])
def test_a_form_offers_first_the_role_that_allows_least(anna: Browser, page: str) -> None:
    offered = re.findall(r'<option value="(\w+)"', anna.get(f"/console/{page}").text)
    assert offered == ["read", "approver", "admin"]


def test_no_admin_removes_or_demotes_oneself(anna: Browser, written: Callable[[], list[Any]]) -> None:
    page = anna.get("/console/users").text
    assert "users/boris/remove" in page
    assert "users/anna/remove" not in page
    before = written()
    for step in ("remove", "role"):
        answer = anna.post(f"/console/users/anna/{step}", role="read")
        assert answer.status == 400
        assert "ask another administrator" in answer.text
    assert written() == before


def test_the_pages_of_users_are_for_admins_alone(anonymous: Browser, written: Callable[[], list[Any]]) -> None:
    assert anonymous.get("/console/users").status == 303
    anonymous.sign_in("boris")
    before = written()
    assert "/console/users" not in anonymous.get("/console").text
    for path in ("/console/users", "/console/users/anna/role"):
        assert anonymous.get(path).status == 403
    for path in ("/console/users", "/console/users/anna/remove", "/console/users/boris/role"):
        assert anonymous.post(path, name="x", role="admin").status == 403
    assert written() == before


def test_unknown_users_and_steps_are_not_found(anna: Browser) -> None:
    for path in ("nobody/remove", "boris/promote", f"{'x' * 3000}/role"):
        assert anna.get(f"/console/users/{path}").status == 404
        assert anna.post(f"/console/users/{path}", role="read").status == 404


def test_many_users_are_shown_in_pages(anna: Browser, services: Services) -> None:
    assert 'rel="next"' not in anna.get("/console/users").text
    first = anna.get("/console/users?limit=1").text
    assert "users/boris/" not in first
    following = re.search(r'href="(/console/users\?[^"]+)" rel="next"', first)
    assert following is not None
    assert "users/boris/" in anna.get(following[1].replace("&amp;", "&")).text
    remove_user(services, "boris", author_of(services, "anna"), by_admin=True)
