"""Sessions of users in the console: how they begin, what ends them, and what a list of them shows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chalicelib.access.audit import author_of
from chalicelib.access.sessions import (
    MOST_SESSIONS,
    SEEN_RECORDED_EVERY,
    SESSION_ENDED,
    SESSION_LIFE,
    SIGNED_OUT,
    SIGNED_OUT_EVERYWHERE,
    begin_session,
    end_all_sessions,
    end_session,
    session_id,
    sessions_of,
    sign_out,
    user_of_session,
)
from chalicelib.access.users import make_user, remove_user
from chalicelib.domain.principal import User
from chalicelib.domain.user_session import browser_of
from chalicelib.errors import NotAuthenticated, NotFound
from infra.local.doubles.fakes import FakeServices
from tests.cheap_user import put_user

ADDRESS = "198.51.100.7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def services() -> FakeServices:
    services = FakeServices()
    put_user(services, "anna", "read")
    return services


def anna(services: FakeServices) -> User:
    return services.users.rows["anna"]


def begin(services: FakeServices, secret: str) -> datetime:
    """A millisecond after whatever came before."""
    services.clock.time += timedelta(milliseconds=1)
    return begin_session(services, anna(services), secret, ADDRESS, FIREFOX)


def is_open(services: FakeServices, secret: str, began_at: datetime) -> bool:
    services.clock.time += timedelta(milliseconds=1)
    return user_of_session(services, "anna", began_at, session_id(secret)) is not None


def test_signing_out_ends_this_session_and_no_other(services: FakeServices) -> None:
    laptop, phone = begin(services, "laptop"), begin(services, "phone")
    sign_out(services, "anna", session_id("laptop"))
    assert not is_open(services, "laptop", laptop)
    assert is_open(services, "phone", phone)
    with pytest.raises(NotFound):
        sign_out(services, "anna", session_id("laptop"))
    (record,) = services.audit.records
    assert (record.who, record.action) == ("anna", SIGNED_OUT)
    assert record.before == {"address": ADDRESS, "browser": "Firefox, Linux"}


def test_all_sessions_end_by_one_step_by_a_new_password_and_with_the_user(services: FakeServices) -> None:
    began = [begin(services, name) for name in ("laptop", "phone")]
    end_all_sessions(services, "anna", author_of(services, "anna"))
    assert not any(is_open(services, name, at) for name, at in zip(("laptop", "phone"), began, strict=True))
    assert services.audit.records[-1].action == SIGNED_OUT_EVERYWHERE
    at = begin(services, "laptop")
    make_user(services, "anna", "admin")
    assert not is_open(services, "laptop", at)
    at = begin(services, "laptop")
    remove_user(services, "anna")
    assert not is_open(services, "laptop", at)
    with pytest.raises(NotFound):
        end_all_sessions(services, "anna", author_of(services, "boris"))


def test_an_admin_ends_a_session_of_another_user_and_is_named(services: FakeServices) -> None:
    at = begin(services, "laptop")
    end_session(services, "anna", session_id("laptop"), author_of(services, "boris"))
    assert not is_open(services, "laptop", at)
    assert [(one.who, one.id, one.action) for one in services.audit.records] == [("boris", "anna", SESSION_ENDED)]


def test_a_session_ends_by_age_and_is_listed_no_more(services: FakeServices) -> None:
    at = begin(services, "laptop")
    services.clock.time = at + SESSION_LIFE - timedelta(seconds=1)
    assert is_open(services, "laptop", at)
    assert len(sessions_of(services, anna(services))) == 1
    services.clock.time = at + SESSION_LIFE
    assert not is_open(services, "laptop", at)
    assert sessions_of(services, anna(services)) == []


def test_a_cookie_of_a_session_that_the_service_does_not_know_opens_nothing(services: FakeServices) -> None:
    at = begin(services, "laptop")
    assert not is_open(services, "another", at)
    assert not is_open(services, "laptop", at - SESSION_LIFE)


def test_the_last_use_is_written_once_in_some_minutes(services: FakeServices) -> None:
    at = begin(services, "laptop")

    def seen_after(passed: timedelta) -> timedelta:
        services.clock.time = at + passed
        assert user_of_session(services, "anna", at, session_id("laptop"))
        return sessions_of(services, anna(services))[0].seen_at - at

    assert seen_after(SEEN_RECORDED_EVERY - timedelta(seconds=1)) == timedelta(0)
    assert seen_after(SEEN_RECORDED_EVERY) == SEEN_RECORDED_EVERY


def test_a_session_that_ends_during_a_request_is_not_kept_by_it(services: FakeServices) -> None:
    at = begin(services, "laptop")
    services.clock.time = at + SEEN_RECORDED_EVERY
    read = services.users.find

    def find(name: str) -> User | None:
        user = read(name)
        services.users.end_sessions(name, at)
        return user

    services.users.find = find  # type: ignore[method-assign]
    assert not is_open(services, "laptop", at)


def test_a_user_keeps_the_latest_sessions_up_to_a_number(services: FakeServices) -> None:
    began = [begin(services, f"browser {number}") for number in range(MOST_SESSIONS + 3)]
    assert len(anna(services).sessions) == MOST_SESSIONS
    assert not is_open(services, "browser 2", began[2])
    assert is_open(services, "browser 3", began[3])


def test_nobody_gets_a_session_who_is_removed_meanwhile(services: FakeServices) -> None:
    user = anna(services)
    remove_user(services, "anna")
    with pytest.raises(NotAuthenticated):
        begin_session(services, user, "laptop", ADDRESS, FIREFOX)


def test_the_secret_of_the_cookie_is_not_stored(services: FakeServices) -> None:
    begin(services, "of the cookie")
    assert "of the cookie" not in str(services.users.rows)


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [
        (FIREFOX, "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari, macOS"),
        ("<script>alert(1)</script>", "another program"),
        ("", "another program"),
    ],
)
def test_a_browser_has_a_short_name(user_agent: str, shown: str) -> None:
    assert browser_of(user_agent) == shown
