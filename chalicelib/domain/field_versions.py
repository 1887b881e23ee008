"""The version of fields as a form or an ETag has them: a short hash per field. It tells later which have changed."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Shown:
    """What the author of a change has seen: the object has to be as in one of the `versions`.

    `names`: the fields of a version; by default all that the object shows.
    """

    versions: tuple[str, ...]
    names: tuple[str, ...] = ()

    def require_unchanged(self, fields: Mapping[str, object]) -> None:
        """`fields`: as the object shows them now. Raises Outdated."""
        names = self.names or tuple(fields)
        changes = [changed_since(version, fields, names) for version in self.versions]
        if all(changes):
            changed = min(changes, key=len, default=names)
            raise Outdated(changed if len(changed) < len(names) else ())


def _hash(value: object) -> str:
    written = json.dumps(value, sort_keys=True).encode()
    return urlsafe_b64encode(sha256(written).digest()).decode()[:HASH_LENGTH]
