from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.principal import Principal, User
from chalicelib.errors import RowChanged

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
ANNA = User(Principal("anna", "read"), "hash", NOW)


def test_a_user_is_found_until_removed(services: Any) -> None:
    services.users.put(ANNA)
    assert services.users.find("anna") == ANNA
    services.users.remove("anna")
    assert services.users.find("anna") is None


def test_a_user_that_is_added_again_has_the_new_password_and_role(services: Any) -> None:
    services.users.put(ANNA)
    changed = User(Principal("anna", "admin"), "other", NOW)
    services.users.put(changed)
    assert services.users.find("anna") == changed


def test_ending_the_sessions_of_a_user_moves_their_earliest_time(services: Any) -> None:
    services.users.put(ANNA)
    later = NOW + timedelta(hours=1)
    services.users.end_sessions("anna", later)
    assert services.users.find("anna") == replace(ANNA, sessions_from=later)


def test_an_unknown_user_cannot_be_removed_or_signed_out(services: Any) -> None:
    with pytest.raises(RowChanged):
        services.users.remove("anna")
    with pytest.raises(RowChanged):
        services.users.end_sessions("anna", NOW)
    assert services.users.find("anna") is None


def test_attempts_are_counted_by_name(services: Any) -> None:
    assert [services.users.count_attempt(name, NOW) for name in ("a", "a", "b")] == [1, 2, 1]
