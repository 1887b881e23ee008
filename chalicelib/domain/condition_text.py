"""A condition on clients as a sentence, in the reader's language."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ..texts import Parameter, Text, both, either
from .condition import (
    ANY,
    ATTRIBUTE,
    IN,
    IS,
    OPTED_IN,
    PRESENT,
    STARTS_WITH,
    Condition,
    Group,
    Leaf,
    Not,
    Received,
    Value,
)
from .filter import Filter

MOST_SHOWN = 10
"""Values of a list that a sentence names; of the others it says how many there are."""


def describe_filter(chosen: Filter) -> Text | None:
    """The condition and the segment of a filter; None if it has neither."""
    segment = chosen.segment
    if segment is None or segment.condition is None:
        return describe(chosen.condition) if chosen.condition else None
    of_segment = Text("condition.of_segment", name=segment.name, condition=_within(segment.condition))
    return both([_within(chosen.condition), of_segment]) if chosen.condition else of_segment


def describe(condition: Condition) -> Text:
    """Such as: the tag is one of a, b and the operator code is not 977."""
    return _describe(condition, is_true=True)


def _describe(condition: Condition, is_true: bool) -> Text:
    match condition:
        case Not():
            return _describe(condition.part, not is_true)
        case Received():
            if condition.expected == is_true:
                return Text("condition.received", mailing=condition.mailing_id)
            return Text("condition.not_received", mailing=condition.mailing_id)
        case Leaf():
            return _describe_leaf(condition, is_true)
        case Group():
            parts = [_within(part) for part in condition.parts]
            sentence = either(parts) if condition.joined == ANY else both(parts)
            return sentence if is_true else Text("condition.not", condition=sentence)


def _within(part: Condition) -> Text:
    """A part of a group. A group of several parts stands in parentheses."""
    sentence = _describe(part, is_true=True)
    is_group = isinstance(part, Group) and len(part.parts) > 1
    return Text("condition.group", condition=sentence) if is_group else sentence


def _describe_leaf(leaf: Leaf, is_true: bool) -> Text:
    if leaf.field == OPTED_IN:
        return Text("condition.opted_in") if leaf.value is is_true else Text("condition.opted_out")
    field = _field(leaf.field)
    if leaf.operator == PRESENT:
        is_present = leaf.value is is_true
        return Text("condition.present", field=field) if is_present else Text("condition.absent", field=field)
    value = _shown(leaf.value)
    if not is_true and leaf.operator in (IS, IN, STARTS_WITH):
        return Text(f"condition.not_{leaf.operator}", field=field, value=value)
    sentence = Text(f"condition.{leaf.operator}", field=field, value=value)
    return sentence if is_true else Text("condition.not", condition=sentence)


def _field(field: str) -> Text:
    if field.startswith(ATTRIBUTE):
        return Text("condition.field.attribute", name=field.removeprefix(ATTRIBUTE))
    return Text(f"condition.field.{field}")


def _shown(value: Value) -> Parameter:
    match value:
        case tuple():
            shown = ", ".join(value[:MOST_SHOWN])
            more = len(value) - MOST_SHOWN
            return Text("condition.more", values=shown, more=more) if more > 0 else shown
        case Decimal():
            return f"{value:f}"
        case datetime():
            plain = value.replace(tzinfo=None).isoformat(" ")
            return plain.removesuffix(" 00:00:00") if plain.endswith(" 00:00:00") else f"{plain} UTC"
    return str(value)
