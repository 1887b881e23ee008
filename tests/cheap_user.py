"""A user with a password hashed at a low cost: at the real cost each sign-in takes a fifth of a second."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.principal import Principal, User

PASSWORD = "secret"
HASH = "scrypt$4$1$1$MTExMTExMTExMTExMTExMQ==$i9X1UuDDVDXfsZJWlzc/Quo58revGHN+2oP8Wc9z9nA="
"""Each hash states its own cost."""


def put_user(services: Any, name: str, role: str) -> str:
    """Returns the password."""
    services.users.add(User(Principal(name, role), HASH, services.clock.now()))
    return PASSWORD
