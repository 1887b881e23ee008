"""The columns of a file of clients: what their names mean, in Russian and English, and what a person says they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..errors import BadInput
from ..texts import Text
from .file_lines import MAX_SHOWN
from .phone import meant_phone
from .unicode_text import compose, searchable

IGNORED = ""
"""The meaning of a column that a person leaves out."""

NAMES_SHOWN = 8
MAX_NAMES = 500
"""A stray cell far to the right makes thousands. Each is on the page that asks what the columns mean, or is refused by
its name: an answer of Lambda has at most 6 MB."""

ALIASES = {
    "phone_number": (
        "phone, phone no, phonenumber, mobile, mobile phone, mobile number, cell, cell phone, telephone, tel, msisdn, "
        "телефон, номер телефона, номер, тел, моб, моб тел, мобильный, мобильный телефон, мобильный номер, "
        "номер мобильного, номер мобильного телефона, сотовый, сотовый телефон, контактный телефон, телефон клиента"
    ),
    "tag": "label, group, тег, тэг, метка, группа",
    "timezone": "time zone, tz, часовой пояс, таймзона, временная зона, часовая зона",
    "opted_out_at": "unsubscribed at, opt out date, отписан, отписка, дата отписки, отписан с",
    "status": "subscription status, статус, статус подписки, подписка",
    "consent_at": "consent date, согласие, дата согласия, согласие получено",
    "consent_source": "источник согласия",
    "consent_text": "текст согласия",
    "consent_withdrawn_at": "consent withdrawal date, отзыв согласия, дата отзыва согласия, согласие отозвано",
    "operator_code": "код оператора, def код",
    "reason": "причина",
}
"""Other names of columns, as `_key` spells them. Each belongs to a column that the file may have."""


@dataclass(frozen=True)
class Columns:
    """The columns that a file may have: the `known` ones, and extra ones, which begin with `prefix` as `example` does.

    Both are blank if there are no extra ones. A file has to have the `required` ones. Names in ALIASES mean known ones.
    """

    known: Collection[str]
    required: Collection[str]
    is_extra: Callable[[str], bool]
    example: str
    prefix: str

    def accepts(self, column: str) -> bool:
        return column in self.known or self.is_extra(column)

    def meaning(self, name: str) -> str | None:
        """The column that the name of a file means; None if it is unknown."""
        if self.accepts(name):
            return name
        start, rest = name[: len(self.prefix)], name[len(self.prefix) :]
        if start.casefold() == self.prefix and self.is_extra(self.prefix + rest):
            return self.prefix + rest
        return self._meanings.get(_key(name))

    @property
    def expected(self) -> str:
        return ", ".join([*self.known, *filter(None, [self.example])])

    @cached_property
    def _meanings(self) -> dict[str, str]:
        aliases = {alias: column for column, names in ALIASES.items() for alias in names.split(", ")}
        return {**{key: column for key, column in aliases.items() if column in self.known}, **dict(_keyed(self.known))}


def column_labels(cells: Sequence[str]) -> tuple[str, ...]:
    """The names in the first row, without the empty ones at the end, which a separator at the end of each row makes.

    Another empty name becomes `(column 2)`. Raises BadInput if there are too many, or if one is a phone number: the row
    is that of a client, who would be left out.
    """
    names = [compose(cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_NAMES:
        raise BadInput.of_request(Text("file.too_many_columns", most=MAX_NAMES))
    if any(map(meant_phone, names)):
        raise BadInput.of_request(Text("file.no_names"))
    return tuple(name or f"(column {number})" for number, name in enumerate(names, 1))


def read_columns(names: Sequence[str], allowed: Columns, chosen: Mapping[str, str]) -> tuple[str, ...]:
    """What each column means. `chosen`: the meaning by name, as a person says; IGNORED leaves the column out.

    Raises BadInput, which names each column that is wrong.
    """
    _check_chosen(names, allowed, chosen)
    meanings = [chosen[name] if name in chosen else allowed.meaning(name) for name in names]
    if not any(meanings):
        raise BadInput.of_request(_first_row(names, allowed))
    errors = {column: [Text("column.required")] for column in allowed.required if column not in meanings}
    for name, meaning in zip(names, meanings, strict=True):
        if meaning is None:
            shown = name[:MAX_SHOWN]
            errors[shown] = [Text("column.unknown", columns=allowed.expected, name=shown)]
        elif meaning != IGNORED and meanings.count(meaning) > 1:
            errors[name[:MAX_SHOWN]] = [Text("column.twice", column=meaning)]
    if errors:
        raise BadInput(errors)
    return tuple(meaning or IGNORED for meaning in meanings)


def _check_chosen(names: Sequence[str], allowed: Columns, chosen: Mapping[str, str]) -> None:
    errors = [Text("columns.absent", name=name[:MAX_SHOWN]) for name in chosen if name not in names]
    errors += [
        Text("columns.meaning", name=name[:MAX_SHOWN], given=meaning[:MAX_SHOWN], columns=allowed.expected)
        for name, meaning in chosen.items()
        if meaning != IGNORED and not allowed.accepts(meaning)
    ]
    if errors:
        raise BadInput({"columns": errors})


def _first_row(names: Sequence[str], allowed: Columns) -> Text:
    shown = [f"“{name[:MAX_SHOWN]}”" for name in names if not name.startswith("(column ")]
    if not shown:
        return Text("file.first_row", columns=allowed.expected)
    return Text("file.no_known_column", columns=allowed.expected, names=", ".join(shown[:NAMES_SHOWN]))


def _keyed(columns: Collection[str]) -> list[tuple[str, str]]:
    return [(_key(column), column) for column in columns]


def _key(name: str) -> str:
    """Words in small letters, without signs: `Номер телефона*` and `номер_телефона` are the same."""
    return re.sub(r"[\W_]+", " ", searchable(name)).strip()
