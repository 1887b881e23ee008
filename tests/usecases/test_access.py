"""Tokens: made once, used, revoked, and every step recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.access.tokens import USE_NOTED_EVERY, authenticate, digest, make_token, revoke_token
from chalicelib.domain.record import Author
from chalicelib.errors import BadInput, NotAuthenticated, NotFound
from tests.fakes import FakeOutside


def test_when_a_token_was_last_used_is_noted_now_and_then() -> None:
    outside = FakeOutside()
    token = make_token(outside, "shop", "admin")
    first = outside.clock.now()
    for _ in range(2):
        authenticate(outside, f"Token {token}")
        assert outside.tokens.rows[digest(token)].last_used_at == first
        outside.clock.time += USE_NOTED_EVERY - timedelta(seconds=1)
    outside.clock.time += timedelta(seconds=2)
    authenticate(outside, f"Token {token}")
    assert outside.tokens.rows[digest(token)].last_used_at == outside.clock.now()


def test_making_and_revoking_are_recorded_without_the_token() -> None:
    outside = FakeOutside()
    author = Author("anna", outside.clock.now(), 0.5)
    token = make_token(outside, "shop", "read", author)
    for _ in range(2):
        revoke_token(outside, digest(token), author)
    assert [record.action for record in outside.audit.records] == ["made", "revoked"]
    assert outside.audit.records[0].after == {"name": "shop", "role": "read"}
    assert token not in str(outside.audit.records)
    assert token not in str(outside.tokens.rows)
    with pytest.raises(NotAuthenticated):
        authenticate(outside, f"Token {token}")


@pytest.mark.parametrize(("name", "role"), [("", "read"), ("   ", "read"), ("x" * 65, "read"), ("shop", "king")])
def test_a_token_without_a_name_or_with_another_role_is_refused(name: str, role: str) -> None:
    outside = FakeOutside()
    with pytest.raises(BadInput):
        make_token(outside, name, role)
    assert outside.tokens.rows == {}


def test_an_unknown_token_cannot_be_revoked() -> None:
    with pytest.raises(NotFound):
        revoke_token(FakeOutside(), digest("other"))
    with pytest.raises(NotFound):
        revoke_token(FakeOutside(), "0" * 3000)
