"""Tokens: creation, use and revocation, each with an audit record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.access.tokens import USE_RECORDED_EVERY, authenticate, digest, make_token, revoke_token
from chalicelib.domain.audit_record import Author
from chalicelib.errors import BadInput, NotAuthenticated, NotFound
from infra.local.doubles.fakes import FakeServices


def test_the_last_use_of_a_token_is_recorded_now_and_then() -> None:
    services = FakeServices()
    token = make_token(services, "shop", "admin")
    first = services.clock.now()
    for _ in range(2):
        authenticate(services, f"Token {token}")
        assert services.tokens.rows[digest(token)].last_used_at == first
        services.clock.time += USE_RECORDED_EVERY - timedelta(seconds=1)
    services.clock.time += timedelta(seconds=2)
    authenticate(services, f"Token {token}")
    assert services.tokens.rows[digest(token)].last_used_at == services.clock.now()


def test_a_created_and_a_revoked_token_are_recorded_without_the_secret() -> None:
    services = FakeServices()
    author = Author("anna", services.clock.now(), 0.5)
    token = make_token(services, "shop", "read", author)
    for _ in range(2):
        revoke_token(services, digest(token), author)
    assert [record.action for record in services.audit.records] == ["made", "revoked"]
    assert services.audit.records[0].after == {"name": "shop", "role": "read"}
    assert token not in str(services.audit.records)
    assert token not in str(services.tokens.rows)
    with pytest.raises(NotAuthenticated):
        authenticate(services, f"Token {token}")


@pytest.mark.parametrize(("name", "role"), [("", "read"), ("   ", "read"), ("x" * 65, "read"), ("shop", "king")])
def test_a_token_without_a_name_or_with_another_role_is_refused(name: str, role: str) -> None:
    services = FakeServices()
    with pytest.raises(BadInput):
        make_token(services, name, role)
    assert services.tokens.rows == {}


def test_an_unknown_token_cannot_be_revoked() -> None:
    with pytest.raises(NotFound):
        revoke_token(FakeServices(), digest("other"))
    with pytest.raises(NotFound):
        revoke_token(FakeServices(), "0" * 3000)
