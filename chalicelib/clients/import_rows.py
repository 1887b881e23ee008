"""Check the rows of an import's file with the same field rules as the API."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..domain.audit_record import MASK
from ..domain.client import PHONE
from ..domain.client_import import (
    STATUS_COLUMN,
    STOP_COLUMN,
    STOP_LIST,
    ClientImport,
    RefusedRow,
    attribute_of,
    cells_by_column,
    is_attribute_column,
)
from ..domain.column_names import IGNORED
from ..domain.consent import consent_errors
from ..domain.csv_file import FileRow, unescape_formula
from ..domain.erasure import phones_in
from ..errors import BadInput
from ..field_rules import is_subscribed
from ..fields import CLIENT, STOP
from ..rules import Field, optional_moment, read_fields
from ..texts import Text
from .import_columns import IGNORED_COLUMNS, IGNORED_STOP_COLUMNS

Row = dict[str, Any]

FIELDS = {
    **CLIENT,
    STOP_COLUMN: Field(optional_moment, "Since when the client is on the stop list; blank: no change."),
    STATUS_COLUMN: Field(is_subscribed, "`unsubscribed` puts the client on the stop list; no word takes it off."),
}


def check_rows(client_import: ClientImport, chunk: list[FileRow]) -> tuple[dict[int, Row], list[RefusedRow]]:
    """The fields of the valid rows, by row number, and the refused rows with their reasons. Skips blank rows."""
    rows, refused = {}, []
    for number, row in enumerate(chunk, client_import.row + 1):
        if row.is_blank:
            continue
        try:
            rows[number] = _read_row(client_import, row)
        except BadInput as error:
            refused.append(refused_row(client_import, number, row, error.errors))
    return rows, refused


def refused_row(client_import: ClientImport, number: int, row: FileRow, errors: Mapping[str, list[Text]]) -> RefusedRow:
    return RefusedRow(number, cells_by_column(client_import.form, row.cells), errors)


def count_normalized(client_import: ClientImport, chunk: list[FileRow], accepted: Iterable[int]) -> int:
    """How many of the accepted rows have a phone number that was not written as 79XXXXXXXXX."""
    column = client_import.form.columns.index("phone_number")
    cells = (chunk[number - client_import.row - 1].cells[column] for number in accepted)
    return sum(not PHONE.fullmatch(unescape_formula(cell).strip()) for cell in cells)


def phones_of(refused: Iterable[RefusedRow]) -> set[str]:
    """The phone numbers that the cells of the rows may mean."""
    return {phone for row in refused for cell in row.cells.values() for phone in phones_in(cell)}


def without_erased(
    client_import: ClientImport, rows: Mapping[int, Row], refused: list[RefusedRow], erased: Collection[str]
) -> tuple[dict[int, Row], list[RefusedRow]]:
    """The rows whose phone numbers are not `erased`, and the refused rows with the others. Those with an erased number
    do not keep their cells.
    """
    kept = {number: row for number, row in rows.items() if row["phone_number"] not in erased}
    masked = dict.fromkeys(client_import.form.labels, MASK)
    shown = [row if phones_of([row]).isdisjoint(erased) else replace(row, cells=masked) for row in refused]
    error = {"phone_number": [Text("client.phone_erased")]}
    return kept, [*shown, *(RefusedRow(number, masked, error) for number in rows if number not in kept)]


def _read_row(client_import: ClientImport, row: FileRow) -> Row:
    cells = _read_cells(client_import, row)
    if client_import.kind == STOP_LIST:
        return read_fields(cells, STOP, IGNORED_STOP_COLUMNS, partial=False)
    attributes = {attribute_of(name): cells.pop(name) for name in [*cells] if is_attribute_column(name)}
    fields = read_fields({**cells, "attributes": attributes}, FIELDS, IGNORED_COLUMNS, partial=False)
    if errors := consent_errors(fields, client_import.created_at):
        raise BadInput(errors)
    if not fields.pop(STATUS_COLUMN, True):
        fields[STOP_COLUMN] = fields.get(STOP_COLUMN) or client_import.created_at
    return fields


def _read_cells(client_import: ClientImport, row: FileRow) -> Row:
    """The cells by what their columns mean. Raises BadInput."""
    if row.error:
        raise BadInput({"non_field_errors": [row.error]})
    columns = client_import.form.columns
    if len(row.cells) < len(columns) or any(cell.strip() for cell in row.cells[len(columns) :]):
        raise BadInput({"non_field_errors": [Text("row.cells", cells=len(row.cells), columns=len(columns))]})
    cells = {name: unescape_formula(cell) for name, cell in zip(columns, row.cells, strict=False) if name != IGNORED}
    sent: Row = {**cells, "phone_number": cells["phone_number"].strip()}
    if STOP_COLUMN in sent:
        sent[STOP_COLUMN] = cells[STOP_COLUMN].strip() or None
    return sent
