"""The columns that a file of clients may have, and what the caller says about others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from ..domain.client import is_attribute_name
from ..domain.client_import import (
    ATTRIBUTE_COLUMN,
    CLIENTS,
    STATUS_COLUMN,
    STOP_COLUMN,
    STOP_LIST,
    is_attribute_column,
)
from ..domain.column_names import Columns
from ..domain.csv_file import FileFormat, FileRow, read_rows, unescape_formula
from ..domain.format_detection import is_workbook, read_outline
from ..domain.unicode_text import compose
from ..errors import BadInput
from ..fields import CLIENT, CLIENT_READ_ONLY, STOP, STOP_READ_ONLY
from ..texts import Text
from ..wording import ENGLISH, RUSSIAN

REASON = "reason"
"""A column of the exported refused rows. It may stay in the file when the rows are imported again."""

IGNORED_COLUMNS = CLIENT_READ_ONLY - {STOP_COLUMN} | {REASON}
COLUMNS = Columns(
    known=[*(name for name in CLIENT if name != "attributes"), STOP_COLUMN, STATUS_COLUMN, *sorted(IGNORED_COLUMNS)],
    required=[name for name, field in CLIENT.items() if field.required],
    is_extra=is_attribute_column,
    example=f"{ATTRIBUTE_COLUMN}name",
    prefix=ATTRIBUTE_COLUMN,
)
REFUSED_BECAUSE = "refused_because"
"""As REASON, in a file of the stop list, whose own column is `reason`."""

IGNORED_STOP_COLUMNS = STOP_READ_ONLY | {REFUSED_BECAUSE}
STOP_COLUMNS = Columns(
    known=[*STOP, *sorted(IGNORED_STOP_COLUMNS)],
    required=[name for name, field in STOP.items() if field.required],
    is_extra=lambda _: False,
    example="",
    prefix="",
)
COLUMNS_BY_KIND = {CLIENTS: COLUMNS, STOP_LIST: STOP_COLUMNS}
TEMPLATE_NAMES = {
    ENGLISH: ("Phone number", "Tag", "Time zone", f"{ATTRIBUTE_COLUMN}name"),
    RUSSIAN: ("Телефон", "Тег", "Часовой пояс", f"{ATTRIBUTE_COLUMN}имя"),
}
"""The columns of a file to fill in, by the language of the reader. An example row would become a client."""

MAX_NAME = 255
LOOKED_AT, ROWS_SHOWN = 20, 3
MAX_SUGGESTED = 32
"""Characters of an attribute's name."""

Chosen = Mapping[str, str]
"""The meaning of columns by their names, as `read_columns` takes it."""

NONE_CHOSEN: Chosen = {}


def read_chosen(given: object) -> Chosen:
    """What the caller says about columns: an object with the meaning by name, or the same as JSON. Raises BadInput."""
    try:
        found = json.loads(given) if isinstance(given, str) and given else given or {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(meaning, str) for meaning in found.values()):
        raise BadInput({"columns": [Text("columns.not_an_object")]})
    return {compose(name).strip(): compose(meaning).strip() for name, meaning in found.items()}


@dataclass(frozen=True)
class Outline:
    """The columns of a file before a person has said what they mean. `meanings`: None for an unknown name.

    `suggestions`: an attribute to make of the column, None if its name is no name of an attribute. `rows`: the first.
    """

    names: tuple[str, ...]
    meanings: tuple[str | None, ...]
    suggestions: tuple[str | None, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def gives_stops(self) -> bool:
        return not {STOP_COLUMN, STATUS_COLUMN}.isdisjoint(self.meanings)


def look_at(content: bytes, file_name: str) -> Outline:
    """The columns of a file and its first rows. Raises BadInput."""
    check_name(file_name)
    form, rows = _beginning(content)
    shown = [tuple(map(unescape_formula, row.cells)) for row in islice(rows, LOOKED_AT) if not row.is_blank]
    return Outline(
        form.names,
        tuple(map(COLUMNS.meaning, form.names)),
        tuple(map(_suggestion, form.names)),
        tuple(shown[:ROWS_SHOWN]),
    )


def _beginning(content: bytes) -> tuple[FileFormat, Iterator[FileRow]]:
    if is_workbook(content):
        from ..adapters.spreadsheet import read_workbook_outline, read_workbook_rows  # slow to load

        form = read_workbook_outline(BytesIO(content), COLUMNS)
        return form, read_workbook_rows(BytesIO(content), form, form.start)
    form = read_outline(content, True, COLUMNS)
    return form, read_rows(iter([content[form.start :]]), form, form.start)


def _suggestion(name: str) -> str | None:
    attribute = re.sub(r"^[\W\d_]+", "", re.sub(r"\W+", "_", name))[:MAX_SUGGESTED].strip("_")
    return f"{ATTRIBUTE_COLUMN}{attribute}" if is_attribute_name(attribute) else None


def check_name(file_name: str) -> None:
    if len(file_name) > MAX_NAME or not file_name.isprintable():
        raise BadInput({"file_name": [Text("file.name", most=MAX_NAME)]})
