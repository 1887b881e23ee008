from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.principal import Principal, User
from chalicelib.errors import RowChanged

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
ANNA = User(Principal("anna", "read"), "hash", NOW)


def test_a_user_is_found_until_removed(outside: Any) -> None:
    outside.users.put(ANNA)
    assert outside.users.find("anna") == ANNA
    outside.users.remove("anna")
    assert outside.users.find("anna") is None


def test_putting_a_user_again_replaces_password_and_role(outside: Any) -> None:
    outside.users.put(ANNA)
    changed = User(Principal("anna", "admin"), "other", NOW)
    outside.users.put(changed)
    assert outside.users.find("anna") == changed


def test_ending_sessions_moves_their_beginning(outside: Any) -> None:
    outside.users.put(ANNA)
    later = NOW + timedelta(hours=1)
    outside.users.end_sessions("anna", later)
    assert outside.users.find("anna") == replace(ANNA, sessions_from=later)


def test_nobody_unknown_can_be_removed_or_signed_out(outside: Any) -> None:
    with pytest.raises(RowChanged):
        outside.users.remove("anna")
    with pytest.raises(RowChanged):
        outside.users.end_sessions("anna", NOW)
    assert outside.users.find("anna") is None


def test_attempts_are_counted_by_name(outside: Any) -> None:
    assert [outside.users.count_attempt(name, NOW) for name in ("a", "a", "b")] == [1, 2, 1]
