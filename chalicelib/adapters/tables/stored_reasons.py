"""Reasons as JSON, in the rows of mailings and in the reports of reconciliation rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ...domain.reasons import Reason, Reasons
from ...texts import read_stored


def stored_reasons(reasons: Mapping[Reason, int]) -> list[list[Any]]:
    """As JSON, in a report on a shard."""
    return [[*stored_reason(reason), number] for reason, number in reasons.items()]


def read_reasons(stored: Iterable[list[Any]]) -> Reasons:
    return Counter({read_reason(*named): number for *named, number in stored})


def stored_reason(reason: Reason) -> list[Any]:
    return [reason.status, reason.text.stored]


def read_reason(status: str, text: dict[str, Any]) -> Reason:
    return Reason(status, read_stored(text))
