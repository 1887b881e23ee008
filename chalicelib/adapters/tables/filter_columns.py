"""The filter of a mailing in its row, and the part of its plan that belongs to the condition."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import JSONAttribute

from ...domain.audience import NamedMailing, Plan
from ...domain.condition_json import as_json, from_json
from ...domain.filter import Filter
from ...domain.segment import Segment
from ...domain.unicode_text import compose

NO_TAG = "a filter, of a later version"
"""No client has it: a tag has no comma."""


class CompactJSON(JSONAttribute):
    """A Cyrillic letter takes two bytes, and not six."""

    def serialize(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def stored_filter(chosen: Filter) -> dict[str, Any]:
    """With a condition, which earlier versions do not know, tags and operator codes stand beside it: for these versions
    the mailing is one to nobody, and not to everyone with the tags.
    """
    tags, codes = list(chosen.tags), list(chosen.operator_codes)
    if not chosen.has_condition:
        return {"tags": tags, "operator_codes": codes, "filter": None}
    condition = {"condition": as_json(chosen.condition)} if chosen.condition else {}
    segment = {"segment": _stored_segment(chosen.segment)} if chosen.segment else {}
    stored = {"tags": tags, "operator_codes": codes, **condition, **segment}
    return {"tags": [NO_TAG], "operator_codes": [], "filter": stored}


def stored_plan(plan: Plan | None) -> dict[str, Any]:
    """The plan as earlier versions know it, and the named mailings."""
    stored = asdict(plan) if plan else {}
    named = stored.pop("named", None)
    return {"plan": stored or None, "named": named}


def read_filter(tags: Iterable[str], operator_codes: Iterable[str], stored: Mapping[str, Any] | None) -> Filter:
    """`stored`: what stands beside the tags and codes if there is a condition."""
    if not stored:
        return Filter(tuple(map(compose, tags)), tuple(operator_codes))
    condition, segment = stored.get("condition"), stored.get("segment")
    return Filter(
        tuple(stored["tags"]),
        tuple(stored["operator_codes"]),
        from_json(condition) if condition else None,
        segment=_segment(segment) if segment else None,
    )


def _stored_segment(segment: Segment) -> dict[str, Any]:
    filter_ = as_json(segment.condition) if segment.condition else None
    return {"id": segment.id, "name": segment.name, "version": segment.version, "filter": filter_}


def _segment(stored: Mapping[str, Any]) -> Segment:
    filter_ = stored["filter"]
    return Segment(stored["id"], stored["name"], from_json(filter_) if filter_ else None, stored["version"])


def read_named(stored: Iterable[Mapping[str, int]] | None) -> tuple[NamedMailing, ...] | None:
    return None if stored is None else tuple(NamedMailing(**one) for one in stored)
