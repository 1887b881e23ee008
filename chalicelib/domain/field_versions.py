"""The version of fields as a form shows them: a short hash per field. It tells later which of them have changed."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256

from ..errors import Outdated

HASH_LENGTH = 6
"""Characters of a field's hash, 36 bits."""


def version_of(fields: Mapping[str, object], names: Sequence[str]) -> str:
    """`fields`: values that JSON can hold."""
    return "".join(_hash(fields[name]) for name in names)


def changed_since(version: str, fields: Mapping[str, object], names: Sequence[str]) -> list[str]:
    """The names of the fields that differ from the version; all of them if it has another length."""
    if len(version) != HASH_LENGTH * len(names):
        return list(names)
    hashes = [version[start : start + HASH_LENGTH] for start in range(0, len(version), HASH_LENGTH)]
    return [name for name, shown in zip(names, hashes, strict=True) if _hash(fields[name]) != shown]


def require_unchanged(version: str, fields: Mapping[str, object], names: Sequence[str]) -> None:
    if changed_since(version, fields, names):
        raise Outdated


def _hash(value: object) -> str:
    written = json.dumps(value, sort_keys=True).encode()
    return urlsafe_b64encode(sha256(written).digest()).decode()[:HASH_LENGTH]
