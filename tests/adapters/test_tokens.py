from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.principal import Principal
from chalicelib.errors import RowChanged

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_token_is_found_until_it_is_revoked(outside: Any) -> None:
    outside.tokens.add("digest", Principal("anna", "read"), NOW)
    assert outside.tokens.find("digest") == Principal("anna", "read")
    assert outside.tokens.find("other") is None
    outside.tokens.revoke("digest", NOW)
    assert outside.tokens.find("digest") is None


def test_an_unknown_token_cannot_be_revoked(outside: Any) -> None:
    with pytest.raises(RowChanged):
        outside.tokens.revoke("digest", NOW)
    assert outside.tokens.find("digest") is None
