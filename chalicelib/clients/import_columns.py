"""The columns that a file of clients may have, and what the caller says about others."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..domain.client_import import ATTRIBUTE_COLUMN, STOP_COLUMN, is_attribute_column
from ..domain.column_names import Columns
from ..domain.unicode_text import compose
from ..errors import BadInput
from ..fields import CLIENT, CLIENT_READ_ONLY
from ..texts import Text

REASON = "reason"
"""A column of the exported refused rows. It may stay in the file when the rows are imported again."""

IGNORED_COLUMNS = CLIENT_READ_ONLY - {STOP_COLUMN} | {REASON}
COLUMNS = Columns(
    known=[*(name for name in CLIENT if name != "attributes"), STOP_COLUMN, *sorted(IGNORED_COLUMNS)],
    required=[name for name, field in CLIENT.items() if field.required],
    is_extra=is_attribute_column,
    example=f"{ATTRIBUTE_COLUMN}name",
    prefix=ATTRIBUTE_COLUMN,
)
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
