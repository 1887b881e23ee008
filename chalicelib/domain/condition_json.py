"""A condition on clients as JSON, in the form of the API, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from .condition import (
    ALL,
    ANY,
    DATES,
    IN,
    NOT,
    NOT_RECEIVED,
    NUMBERS,
    RECEIVED,
    Condition,
    Group,
    Leaf,
    Not,
    Received,
    Value,
)


def as_json(condition: Condition) -> dict[str, Any]:
    """As a request has it."""
    match condition:
        case Group():
            return {condition.joined: [as_json(part) for part in condition.parts]}
        case Not():
            return {NOT: as_json(condition.part)}
        case Received():
            return {RECEIVED if condition.expected else NOT_RECEIVED: condition.mailing_id}
        case Leaf():
            return {"field": condition.field, condition.operator: _plain(condition.value)}


def _plain(value: Value) -> object:
    match value:
        case tuple():
            return list(value)
        case Decimal():
            return int(value) if value == int(value) else float(value)
        case datetime():
            return value.replace(tzinfo=None).isoformat() + "Z"
    return value


def from_json(stored: Mapping[str, Any]) -> Condition:
    """The condition of which `as_json` made this. It is not checked: `condition_rules.py` reads what people send."""
    for joined in (ALL, ANY):
        if joined in stored:
            return Group(joined, tuple(map(from_json, stored[joined])))
    if NOT in stored:
        return Not(from_json(stored[NOT]))
    for name in (RECEIVED, NOT_RECEIVED):
        if name in stored:
            return Received(int(stored[name]), name == RECEIVED)
    operator, value = next((name, value) for name, value in stored.items() if name != "field")
    return Leaf(stored["field"], operator, _value(operator, value))


def _value(operator: str, value: Any) -> Value:
    if operator in NUMBERS:
        return Decimal(str(value))
    if operator in DATES:
        return datetime.fromisoformat(value)
    return tuple(value) if operator == IN else value
