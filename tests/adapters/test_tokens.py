from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.principal import Principal, Token
from chalicelib.errors import RowChanged

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANNAS = Token("digest", Principal("anna", "read"), NOW)


def test_a_token_has_the_times_of_its_last_use_and_its_revocation(services: Any) -> None:
    services.tokens.add(ANNAS)
    assert services.tokens.find("digest") == ANNAS
    assert services.tokens.find("other") is None
    later = NOW + timedelta(hours=1)
    services.tokens.mark_used("digest", NOW)
    services.tokens.revoke("digest", later)
    assert services.tokens.find("digest") == replace(ANNAS, last_used_at=NOW, revoked_at=later)


def test_an_unknown_token_cannot_be_used_or_revoked(services: Any) -> None:
    with pytest.raises(RowChanged):
        services.tokens.mark_used("digest", NOW)
    with pytest.raises(RowChanged):
        services.tokens.revoke("digest", NOW)
    assert services.tokens.find("digest") is None


def test_tokens_are_listed_from_the_newest(services: Any) -> None:
    tokens = [Token(f"d{number}", Principal("a", "read"), NOW + timedelta(hours=number)) for number in (2, 0, 1)]
    for token in tokens:
        services.tokens.add(token)
    assert [token.digest for token in services.tokens.newest(2)] == ["d2", "d1"]
    assert [token.digest for token in services.tokens.newest(2, NOW + timedelta(hours=1))] == ["d0"]
