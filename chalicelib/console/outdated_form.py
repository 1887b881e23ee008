"""A form of a mailing, a series or a segment that is refused because what it showed has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..domain.condition_text import describe
from ..domain.field_versions import changed_since, version_of
from ..domain.filter import Filter
from .page_requests import PageRequest


def what_has_changed(
    request: PageRequest, version: str, current: Mapping[str, object], names: Sequence[str], chosen: Filter
) -> dict[str, Any]:
    """The new values of the fields that differ from the version, for the page, and the version for the next try."""
    changes = {name: current[name] for name in changed_since(version, current, names)}
    if changes.get("filter") and chosen.condition:
        changes["filter"] = request.localized(describe(chosen.condition))
    return {"changes": changes, "version": version_of(current, names)}
