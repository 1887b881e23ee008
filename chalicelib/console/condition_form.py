"""A condition on clients as rows of choices in a form. A condition that rows cannot express is edited as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..condition_rules import unique_names
from ..domain.condition import (
    ALL,
    ANY,
    ATTRIBUTE,
    IN,
    IS,
    MAX_LEAVES,
    NOT,
    NOT_RECEIVED,
    OPERATOR_CODE,
    OPTED_IN,
    PRESENT,
    RECEIVED,
    TAG,
    TIMEZONE,
)
from ..domain.condition_json import from_json
from ..texts import Text

STOP_LIST, MAILING, OF_ATTRIBUTE = "stop_list", "mailing", "attribute"
IS_NOT, ABSENT = "is_not", "absent"
LISTED = (TAG, OPERATOR_CODE, TIMEZONE)
"""Fields of which a row can have several values, separated by commas. A value of an attribute may have a comma."""

FEWEST_ROWS, MORE_ROWS = 2, 3
LONGEST_NUMBER = 20
"""Digits. Python refuses to read thousands of them; the API refuses the text."""


@dataclass(frozen=True)
class Row:
    """What is chosen and typed in a row. `name`: of an attribute."""

    field: str = ""
    name: str = ""
    operator: str = IS
    value: str = ""

    @property
    def is_blank(self) -> bool:
        return not self.field

    @property
    def as_json(self) -> dict[str, Any]:
        """As the API expects it. What is wrong is refused there."""
        if self.field == STOP_LIST and self.operator in (IS, IS_NOT):
            return {"field": OPTED_IN, IS: self.operator == IS_NOT}
        if self.operator == IS_NOT:
            is_like = replace(self, operator=IS).as_json
            return {NOT_RECEIVED: is_like[RECEIVED]} if RECEIVED in is_like else {NOT: is_like}
        if self.field == MAILING and self.operator == IS:
            is_number = self.value.isdecimal() and len(self.value) <= LONGEST_NUMBER
            return {RECEIVED: int(self.value) if is_number else self.value}
        others = {OF_ATTRIBUTE: f"{ATTRIBUTE}{self.name}", STOP_LIST: OPTED_IN}
        field = others.get(self.field, self.field)
        if self.operator in (PRESENT, ABSENT):
            return {"field": field, PRESENT: self.operator == PRESENT}
        values = [value.strip() for value in self.value.split(",") if value.strip()]
        if self.operator == IS and self.field in LISTED and len(values) > 1:
            return {"field": field, IN: values}
        return {"field": field, self.operator: self.value}


@dataclass(frozen=True)
class ConditionForm:
    """`joined`: whether the client has to meet all of the rows, or any. `written`: the JSON."""

    rows: tuple[Row, ...] = ()
    joined: str = ALL
    written: str = ""

    @property
    def sent(self) -> object:
        """The value of the field `filter`. The client has to meet the rows and the JSON; blank: neither is given."""
        rows = [row.as_json for row in self.rows if not row.is_blank]
        by_rows = {self.joined: rows} if len(rows) > 1 else rows[0] if rows else None
        if by_rows is None or not self.written.strip():
            return by_rows or self.written
        try:
            return {ALL: [by_rows, json.loads(self.written, object_pairs_hook=unique_names)]}
        except (ValueError, RecursionError):
            return self.written

    @property
    def typed(self) -> dict[str, list[str]]:
        """The fields that a person would submit for this form."""
        rows = {
            f"where_{number}_{part}": [getattr(row, part)]
            for number, row in enumerate(self.rows)
            for part in ("field", "name", "operator", "value")
        }
        return {"where_joined": [self.joined], **rows, "filter": [self.written]}

    def with_blank_rows(self, more: int) -> ConditionForm:
        filled = [row for row in self.rows if not row.is_blank]
        number = min(MAX_LEAVES, max(FEWEST_ROWS, len(filled) + 1, len(self.rows) + more))
        return replace(self, rows=(*filled, *[Row()] * (number - len(filled))))

    def errors_by_row(self, errors: Mapping[str, Sequence[Text]]) -> dict[int, list[tuple[str, Text]]]:
        """The errors of the condition by the number of the row from 0, each with its input.

        -1: of the JSON, each with its place.
        """
        found: dict[int, list[tuple[str, Text]]] = {}
        for name, texts in errors.items():
            if name.partition(".")[0] == "filter":
                place = name.partition(".")[2]
                row = self._row_of(place)
                found.setdefault(row, []).extend((self._input_of(row, place), text) for text in texts)
        return found

    def _input_of(self, row: int, place: str) -> str:
        """`name`: of an attribute, or `value`; for the JSON the place itself."""
        if row < 0:
            return place
        return "name" if self.rows[row].field == OF_ATTRIBUTE and place.endswith("field") else "value"

    def _row_of(self, place: str) -> int:
        filled = [number for number, row in enumerate(self.rows) if not row.is_blank]
        if self.written.strip() or not filled:
            return -1
        if len(filled) == 1:
            return filled[0]
        number = place.removeprefix(f"{self.joined}.").partition(".")[0]
        return filled[int(number)] if number.isdecimal() and int(number) < len(filled) else -1


def read_form(form: Mapping[str, list[str]]) -> ConditionForm:
    """What a person has submitted."""

    def field(name: str) -> str:
        return form.get(name, [""])[-1].strip()

    numbers = range(sum(f"where_{number}_field" in form for number in range(MAX_LEAVES)))
    rows = [
        Row(*(field(f"where_{number}_{part}") for part in ("field", "name", "operator", "value"))) for number in numbers
    ]
    return ConditionForm(tuple(rows), ANY if field("where_joined") == ANY else ALL, field("filter"))


def form_of(stored: Mapping[str, Any]) -> ConditionForm:
    """The form with a condition as the API shows it. `stored`: empty if there is none."""
    if not stored:
        return ConditionForm()
    joined = next((joined for joined in (ALL, ANY) if joined in stored), None)
    rows = [_row_of(part) for part in (stored[joined] if joined else [stored])]
    filled = tuple(row for row in rows if row is not None)
    if len(filled) < len(rows) or (joined and len(rows) == 1):
        return ConditionForm(written=json.dumps(stored, ensure_ascii=False, indent=1))
    return ConditionForm(filled, joined or ALL)


def _row_of(part: Mapping[str, Any]) -> Row | None:
    """The row of which `as_json` makes this condition; None if there is none. An input of a form has no line breaks."""
    row = _likely_row(part)
    if row is not None and len(f"{row.name}{row.value}".splitlines()) > 1:
        return None
    return row if row is not None and from_json(row.as_json) == from_json(part) else None


def _likely_row(part: Mapping[str, Any]) -> Row | None:
    if NOT in part:
        row = _likely_row(part[NOT])
        return replace(row, operator=IS_NOT) if row and row.operator == IS else None
    for name, operator in ((RECEIVED, IS), (NOT_RECEIVED, IS_NOT)):
        if name in part:
            return Row(MAILING, operator=operator, value=str(part[name]))
    if "field" not in part:
        return None
    field = part["field"]
    operator, value = next((name, value) for name, value in part.items() if name != "field")
    if field == OPTED_IN:
        return Row(STOP_LIST, operator=IS_NOT if value else IS)
    shown = ",".join(value) if isinstance(value, list) else str(value)
    name = field.removeprefix(ATTRIBUTE) if field.startswith(ATTRIBUTE) else ""
    row = Row(OF_ATTRIBUTE if name else field, name, IS if operator == IN else operator, shown)
    return replace(row, operator=PRESENT if value else ABSENT, value="") if operator == PRESENT else row
