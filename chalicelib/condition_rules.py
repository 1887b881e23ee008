"""The rule of a condition on clients, as a request has it. Each mistake is reported with its place: `all.1.tag`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from .domain.client import MAX_LABEL
from .domain.client_import import is_attribute_column
from .domain.condition import (
    ALL,
    ANY,
    ATTRIBUTE,
    DATES,
    IN,
    IS,
    MAX_DEPTH,
    MAX_LEAVES,
    MAX_NAMED,
    MAX_SIZE,
    NOT,
    NOT_RECEIVED,
    NUMBERS,
    OPERATOR_CODE,
    OPTED_IN,
    PRESENT,
    RECEIVED,
    REGISTERED_AT,
    STARTS_WITH,
    TAG,
    TIMEZONE,
    Condition,
    Group,
    Leaf,
    Not,
    Received,
    Value,
    named_mailings,
    read_number,
)
from .domain.condition_json import as_json
from .domain.message import MAX_ID
from .errors import WrongParts, WrongValue
from .field_rules import operator_code, timezone
from .rules import moment, not_blank, repeated_names, rule
from .texts import Text, either

KINDS = (ALL, ANY, NOT, "field", RECEIVED, NOT_RECEIVED)
CHOICES = (IS, IN, STARTS_WITH)
OPERATORS: Mapping[str, tuple[str, ...]] = {
    TAG: (*CHOICES, PRESENT),
    OPERATOR_CODE: CHOICES,
    TIMEZONE: CHOICES,
    ATTRIBUTE: (*CHOICES, PRESENT, *NUMBERS, *DATES),
    REGISTERED_AT: (*DATES, PRESENT),
    OPTED_IN: (IS,),
}
"""The comparisons of each field."""

FIELDS = (TAG, OPERATOR_CODE, TIMEZONE, REGISTERED_AT, OPTED_IN, f"{ATTRIBUTE}NAME")
Place = tuple[str, ...]


@rule(
    anyOf=[
        {"type": ["object", "null"], "maxProperties": 2, "description": "docs/AUDIENCE.md describes it"},
        {"type": "string", "description": "In a form: the same object as JSON"},
    ],
    examples=[{"all": [{"field": "tag", "in": ["vip", "new"]}, {"field": "attributes.город", "is": "Омск"}]}],
)
def condition(sent: object) -> Condition | None:
    """Blank or null: none. Raises WrongParts with all mistakes at once."""
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        return None
    reader = _Reader()
    found = reader.node(_parsed(sent), (), MAX_DEPTH)
    if reader.leaves > MAX_LEAVES:
        raise WrongParts({"": Text("condition.too_many", most=MAX_LEAVES)})
    if reader.errors or found is None:
        raise WrongParts({".".join(place): text for place, text in reader.errors.items()})
    if len(json.dumps(as_json(found), ensure_ascii=False, separators=(",", ":")).encode()) > MAX_SIZE:
        raise WrongParts({"": Text("condition.too_large", most=MAX_SIZE // 1024)})
    if len(named_mailings(found)) > MAX_NAMED:
        raise WrongParts({"": Text("condition.too_many_mailings", most=MAX_NAMED)})
    return found


@rule(**condition.schema)
def required_condition(sent: object) -> Condition:
    found = condition.read(sent)
    if found is None:
        raise WrongValue(Text("field.blank"))
    return found  # type: ignore[return-value]


def _parsed(sent: object) -> object:
    try:
        return json.loads(sent, object_pairs_hook=unique_names) if isinstance(sent, str) else sent
    except (ValueError, RecursionError) as error:
        raise WrongParts({"": Text("condition.not_json")}) from error


def unique_names(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """A JSON object. Raises ValueError for a repeated name."""
    if repeated_names(pairs):
        raise ValueError("a name is repeated")
    return dict(pairs)


class _Reader:
    """Reads a tree and collects the error of each place. `leaves`: how many it has seen."""

    def __init__(self) -> None:
        self.errors: dict[Place, Text] = {}
        self.leaves = 0

    def node(self, sent: object, place: Place, depth: int) -> Condition | None:
        """None after an error. `depth`: how many levels there may be from here."""
        if len(self.errors) >= MAX_LEAVES:  # enough to correct, and the answer stays small
            return None
        if not isinstance(sent, dict):
            return self._wrong(place, Text("condition.not_an_object", kinds=either(KINDS)))
        kinds = [kind for kind in KINDS if kind in sent]
        if len(kinds) != 1:
            return self._wrong(place, Text("condition.kind", kinds=either(KINDS)))
        kind = kinds[0]
        if kind == "field":
            self.leaves += 1
            return self._leaf(sent, place)
        if unknown := [name for name in sent if name != kind]:
            return self._all_wrong(place, unknown)
        if kind in (RECEIVED, NOT_RECEIVED):
            self.leaves += 1
            return self._received(sent[kind], (*place, kind), kind == RECEIVED)
        if depth <= 1:
            return self._wrong((*place, kind), Text("condition.too_deep", most=MAX_DEPTH))
        if kind == NOT:
            part = self.node(sent[NOT], (*place, NOT), depth - 1)
            return Not(part) if part is not None else None
        return self._group(kind, sent[kind], (*place, kind), depth - 1)

    def _group(self, joined: str, sent: object, place: Place, depth: int) -> Condition | None:
        if not isinstance(sent, list) or not sent:
            return self._wrong(place, Text("condition.not_a_list"))
        parts = [self.node(part, (*place, str(number)), depth) for number, part in enumerate(sent[: MAX_LEAVES + 1])]
        return Group(joined, tuple(part for part in parts if part is not None))

    def _leaf(self, sent: dict[str, Any], place: Place) -> Condition | None:
        field = sent["field"]
        name = field if isinstance(field, str) else ""
        known = OPERATORS.get(ATTRIBUTE if is_attribute_column(name) else name)
        if field == ATTRIBUTE:
            return self._wrong((*place, "field"), Text("condition.attribute_name"))
        if known is None:
            return self._wrong((*place, "field"), Text("condition.wrong_field", fields=either(FIELDS)))
        given = [name for name in sent if name != "field"]
        if unknown := [name for name in given if name not in known]:
            return self._all_wrong(place, unknown, Text("condition.operator", operators=either(known)))
        if len(given) != 1:
            return self._wrong(place, Text("condition.operators", operators=either(known)))
        operator = given[0]
        try:
            return Leaf(field, operator, _read_value(field, operator, sent[operator]))
        except WrongValue as error:
            return self._wrong((*place, operator), error.text)

    def _received(self, sent: object, place: Place, expected: bool) -> Condition | None:
        if type(sent) is not int or not 0 < sent <= MAX_ID:
            return self._wrong(place, Text("condition.mailing_id"))
        return Received(sent, expected)

    def _all_wrong(self, place: Place, names: list[str], text: Text | None = None) -> Condition | None:
        for name in names[:MAX_LEAVES]:
            self._wrong((*place, name[:MAX_LABEL]), text or Text("field.unknown"))
        return None

    def _wrong(self, place: Place, text: Text) -> Condition | None:
        self.errors[place] = text
        return None


def _read_value(field: str, operator: str, sent: object) -> Value:
    """Raises WrongValue."""
    if operator == PRESENT or field == OPTED_IN:
        if type(sent) is not bool:
            raise WrongValue(Text("condition.true_or_false"))
        return sent
    if operator in DATES:
        return moment.read(sent)  # type: ignore[return-value]
    if operator in NUMBERS:
        return _number(sent)
    read: Callable[[object], str] = TEXTS.get((field, operator == STARTS_WITH), _text)
    if operator != IN:
        return read(sent)
    if not isinstance(sent, list) or not sent:
        raise WrongValue(Text("condition.not_a_list"))
    return tuple(dict.fromkeys(map(read, sent)))


def _number(sent: object) -> Decimal:
    given = str(sent) if type(sent) in (int, float) else not_blank(sent)
    number = read_number(given)
    if number is None:
        raise WrongValue(Text("condition.number"))
    return number


def _text(sent: object) -> str:
    value = not_blank(sent)
    if len(value) > MAX_LABEL:
        raise WrongValue(Text("field.too_long", most=MAX_LABEL))
    return value


TEXTS: Mapping[tuple[str, bool], Callable[[object], Any]] = {
    (OPERATOR_CODE, False): operator_code,
    (TIMEZONE, False): timezone.read,
}
"""The rules of whole values of some fields. Any text may be the beginning of one."""
