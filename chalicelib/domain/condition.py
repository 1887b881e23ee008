"""A condition on clients: a small immutable tree, its JSON, and whether a client meets it.

Logic has two values: a comparison with a field that the client does not have is false, so its `not` is true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any, Protocol

from .unicode_text import compose

ALL, ANY, NOT = "all", "any", "not"
RECEIVED, NOT_RECEIVED = "received", "not_received"
TAG, OPERATOR_CODE, TIMEZONE, REGISTERED_AT, OPTED_IN = "tag", "operator_code", "timezone", "registered_at", "opted_in"
ATTRIBUTE = "attributes."
"""The prefix of a field that is an attribute, as in the columns of a CSV file."""

IS, IN, STARTS_WITH, PRESENT = "is", "in", "starts_with", "present"
NUMBERS = ("less_than", "at_most", "more_than", "at_least")
DATES = ("before", "since")
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "less_than": lt,
    "at_most": le,
    "more_than": gt,
    "at_least": ge,
    "before": lt,
    "since": ge,
}

MAX_DEPTH = 5
MAX_LEAVES = 50
MAX_SIZE = 4096
"""Bytes of the JSON in UTF-8. The row of a mailing has it, and every count of the mailing writes the row."""

MAX_NAMED = 5
"""Mailings that a condition names: a client that the rest does not decide costs a read for each of them."""

NUMBER = re.compile(r"-?[0-9]{1,12}([.,][0-9]{1,3})?")
DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})([T ].*)?")
RUSSIAN_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")

Value = str | tuple[str, ...] | bool | Decimal | datetime


class Candidate(Protocol):
    """The fields of a client that a condition may read."""

    @property
    def id(self) -> int: ...
    @property
    def tag(self) -> str | None: ...
    @property
    def operator_code(self) -> str: ...
    @property
    def timezone(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...
    @property
    def registered_at(self) -> datetime | None: ...
    @property
    def opted_out_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class Leaf:
    """One field, compared. `value`: one of IS and STARTS_WITH, some of IN, True or False of PRESENT and OPTED_IN."""

    field: str
    operator: str
    value: Value


@dataclass(frozen=True)
class Received:
    """Whether the gateway accepted the client's message of this mailing, and no receipt says that it was not delivered:
    its status is `sent` or `delivered`.
    """

    mailing_id: int
    expected: bool = True


@dataclass(frozen=True)
class Not:
    part: Condition


@dataclass(frozen=True)
class Group:
    """`joined`: ALL or ANY."""

    joined: str
    parts: tuple[Condition, ...]


Condition = Group | Not | Leaf | Received


def decide(condition: Condition, client: Candidate, received: Collection[int] | None) -> bool | None:
    """Whether the client meets the condition. `received`: the ids of the mailings that it received; None if they are
    not known yet: then the decision is None if it depends on them.
    """
    match condition:
        case Leaf():
            return _compare(condition, client)
        case Received():
            return None if received is None else (condition.mailing_id in received) == condition.expected
        case Not():
            decision = decide(condition.part, client, received)
            return None if decision is None else not decision
        case Group():
            deciding, is_open = condition.joined == ANY, False
            for part in condition.parts:
                decision = decide(part, client, received)
                if decision is deciding:
                    return deciding
                is_open = is_open or decision is None
            return None if is_open else not deciding


def _compare(leaf: Leaf, client: Candidate) -> bool:
    field, operator, value = leaf.field, leaf.operator, leaf.value
    if field == OPTED_IN:
        return (client.opted_out_at is None) is value
    if field == REGISTERED_AT:
        return _compare_date(operator, client.registered_at, value)
    found = compose(_text_of(field, client))
    match operator:
        case "is":
            return found == value
        case "in":
            return found in value  # type: ignore[operator]
        case "starts_with":
            return found.startswith(str(value))
        case "present":
            return bool(found) is value
    if operator in DATES:
        return _compare_date(operator, read_day(found), value)
    number = read_number(found)
    return number is not None and COMPARISONS[operator](number, value)


def _compare_date(operator: str, found: datetime | None, value: Value) -> bool:
    if operator == PRESENT:
        return (found is not None) is value
    return found is not None and COMPARISONS[operator](found, value)


def _text_of(field: str, client: Candidate) -> str:
    if field.startswith(ATTRIBUTE):
        return client.attributes.get(field.removeprefix(ATTRIBUTE), "")
    return {TAG: client.tag or "", OPERATOR_CODE: client.operator_code, TIMEZONE: client.timezone}[field]


def read_number(text: str) -> Decimal | None:
    """The number that a text is, with a point or a comma; None if it is none."""
    return Decimal(text.replace(",", ".")) if NUMBER.fullmatch(text) else None


def read_day(text: str) -> datetime | None:
    """The moment that a text is: ISO 8601, in UTC without an offset, or a day as 31.12.2026; otherwise None."""
    try:
        if DAY.fullmatch(text):
            found = datetime.fromisoformat(text)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if written := RUSSIAN_DAY.fullmatch(text):
            day, month, year = map(int, written.groups())
            return datetime(year, month, day, tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    return None


def leaves(condition: Condition, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Leaf | Received]]:
    """All leaves, each with its place in the JSON, such as `("all", "1", "not")`."""
    match condition:
        case Group():
            for number, part in enumerate(condition.parts):
                yield from leaves(part, (*place, condition.joined, str(number)))
        case Not():
            yield from leaves(condition.part, (*place, NOT))
        case _:
            yield place, condition


def named_mailings(condition: Condition) -> list[int]:
    """The ids of the mailings whose recipients the condition asks for."""
    return list(dict.fromkeys(leaf.mailing_id for _, leaf in leaves(condition) if isinstance(leaf, Received)))


def needed_fields(condition: Condition) -> set[str]:
    """The stored fields of a client that decide about the condition."""
    stored = {OPERATOR_CODE: "phone_number", OPTED_IN: "opted_out_at"}
    fields = {leaf.field.partition(".")[0] for _, leaf in leaves(condition) if isinstance(leaf, Leaf)}
    return {stored.get(field, field) for field in fields}


def necessary(condition: Condition, field: str) -> frozenset[str] | None:
    """Values of which a client must have one in this field to meet the condition; None if any value may do.

    They choose the index that is read. None are necessary under `not`.
    """
    match condition:
        case Leaf(found, operator, value) if found == field and operator in (IS, IN):
            return frozenset([value] if isinstance(value, str) else value)  # type: ignore[arg-type]
        case Group():
            found_in = [necessary(part, field) for part in condition.parts]
            known = [values for values in found_in if values is not None]
            if condition.joined == ANY:
                return frozenset().union(*known) if len(known) == len(found_in) else None
            return frozenset.intersection(*known) if known else None
    return None
