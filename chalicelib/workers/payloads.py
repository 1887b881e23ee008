"""Shared by the functions that people invoke: the checks of a payload's values, and what is expected of them."""

from __future__ import annotations

from typing import TypeGuard

from ..domain.principal import ROLES

MAX_ID = 10**15
"""Above every id. DynamoDB refuses numbers of more than 38 digits."""

A_ROLE = " or ".join(f'"{role}"' for role in ROLES)


def is_id(value: object) -> TypeGuard[int]:
    """Whether the value can be looked up. In Python `true` is an int too."""
    return type(value) is int and 0 <= value < MAX_ID
