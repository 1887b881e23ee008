from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.audit_record import Author, day_of
from chalicelib.domain.principal import Principal, User
from chalicelib.domain.user_session import UserSession
from chalicelib.errors import RowChanged

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
ANNA = User(Principal("anna", "read"), "hash", NOW)
SESSION = UserSession("0a1b", NOW, NOW, "198.51.100.7", "Firefox, Linux")
RECORD = Author("anna", NOW, 0.5).record("user", "anna", {"browser": SESSION.browser}, None)


def test_a_user_is_found_until_removed(services: Any) -> None:
    services.users.add(ANNA)
    assert services.users.find("anna") == ANNA
    services.users.remove(ANNA)
    assert services.users.find("anna") is None


def test_the_names_of_all_users_are_listed(services: Any) -> None:
    services.users.add(ANNA)
    services.users.add(replace(ANNA, principal=Principal("Boris", "admin")))
    assert sorted(services.users.names()) == ["Boris", "anna"]


def test_a_changed_user_has_the_new_password_and_role(services: Any) -> None:
    services.users.add(ANNA)
    changed = User(Principal("anna", "admin"), "other", NOW)
    services.users.change(ANNA, changed)
    assert services.users.find("anna") == changed


@pytest.mark.parametrize(
    "other", [replace(ANNA, password="other"), replace(ANNA, principal=Principal("anna", "admin"))]
)
def test_a_user_that_is_not_as_it_was_read_is_not_written_and_not_recorded(services: Any, other: User) -> None:
    record = Author("boris", NOW, 0.5).record("user", "anna", {}, {})
    services.users.add(ANNA)
    for write in (
        lambda: services.users.add(other, record),
        lambda: services.users.change(other, other, record),
        lambda: services.users.remove(other, record),
    ):
        with pytest.raises(RowChanged):
            write()
    assert services.users.find("anna") == ANNA
    assert services.audit.read(day_of(NOW), 10**20, 10) == []


def test_the_end_of_sessions_does_not_hinder_a_change(services: Any) -> None:
    services.users.add(ANNA)
    services.users.end_sessions("anna", NOW + timedelta(hours=1))
    services.users.remove(ANNA)
    assert services.users.find("anna") is None


def test_ending_the_sessions_of_a_user_moves_their_earliest_time(services: Any) -> None:
    services.users.add(ANNA)
    later = NOW + timedelta(hours=1)
    services.users.end_sessions("anna", later)
    assert services.users.find("anna") == replace(ANNA, sessions_from=later)


def test_an_unknown_user_cannot_be_removed_or_signed_out(services: Any) -> None:
    with pytest.raises(RowChanged):
        services.users.remove(ANNA)
    for write in (
        lambda: services.users.end_sessions("anna", NOW),
        lambda: services.users.begin_session("anna", SESSION, []),
        lambda: services.users.see_session("anna", SESSION.id, NOW),
        lambda: services.users.end_session("anna", SESSION.id, RECORD),
    ):
        with pytest.raises(RowChanged):
            write()
    assert services.users.find("anna") is None


@pytest.mark.parametrize("admin", ["boris", "nobody"])
def test_nobody_changes_or_removes_a_user_who_is_no_admin_any_more(services: Any, admin: str) -> None:
    record = Author(admin, NOW, 0.5).record("user", "anna", {}, {})
    services.users.add(ANNA)
    services.users.add(replace(ANNA, principal=Principal("boris", "read")))
    with pytest.raises(RowChanged):
        services.users.change_role(ANNA, "admin", record, admin=admin)
    with pytest.raises(RowChanged):
        services.users.remove(ANNA, record, admin=admin)
    assert services.users.find("anna") == ANNA
    assert services.audit.read(day_of(NOW), 10**20, 10) == []


def test_an_admin_changes_the_role_of_a_user_and_no_other_value(services: Any) -> None:
    record = Author("boris", NOW, 0.5).record("user", "anna", {"role": "read"}, {"role": "admin"})
    services.users.add(ANNA)
    services.users.add(replace(ANNA, principal=Principal("boris", "admin")))
    services.users.end_sessions("anna", NOW + timedelta(hours=1))
    services.users.change_role(ANNA, "admin", record, admin="boris")
    anna = User(Principal("anna", "admin"), "hash", NOW + timedelta(hours=1))
    assert services.users.find("anna") == anna
    assert {user.principal.name for user in services.users.all()} == {"anna", "boris"}
    assert services.audit.read(day_of(NOW), 10**20, 10) == [record]


def test_sessions_of_a_user_begin_are_seen_and_end_one_by_one(services: Any) -> None:
    services.users.add(ANNA)
    for id_ in ("0a1b", "1a1b", "2a1b"):
        services.users.begin_session("anna", replace(SESSION, id=id_), [])
    services.users.begin_session("anna", replace(SESSION, id="3a1b"), ["2a1b"])
    services.users.see_session("anna", "1a1b", NOW + timedelta(hours=1))
    services.users.end_session("anna", "0a1b", RECORD)
    seen = replace(SESSION, id="1a1b", seen_at=NOW + timedelta(hours=1))
    assert services.users.find("anna").sessions == {"1a1b": seen, "3a1b": replace(SESSION, id="3a1b")}
    assert services.audit.read(day_of(NOW), 10**20, 10) == [RECORD]
    for write in (services.users.see_session, services.users.end_session):
        with pytest.raises(RowChanged):
            write("anna", "0a1b", NOW if write == services.users.see_session else RECORD)


def test_all_sessions_of_a_user_end_at_once_and_with_a_new_password(services: Any) -> None:
    services.users.add(ANNA)
    services.users.begin_session("anna", SESSION, [])
    services.users.end_sessions("anna", NOW, RECORD)
    assert services.users.find("anna") == ANNA
    services.users.begin_session("anna", SESSION, [])
    services.users.change(services.users.find("anna"), replace(ANNA, password="other"))
    assert services.users.find("anna") == replace(ANNA, password="other")


def test_attempts_are_counted_by_name(services: Any) -> None:
    assert [services.users.count_attempt(name, NOW) for name in ("a", "a", "b")] == [1, 2, 1]
    assert [services.users.count_attempt("a", NOW, by) for by in (-1, 1)] == [1, 2]
