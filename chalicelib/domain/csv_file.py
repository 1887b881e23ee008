"""Rows of CSV files: read from any offset at which a row begins, and written so that no spreadsheet runs a value."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..texts import Text
from .file_lines import MAX_ROW, FileLines, RowTooLong

FORMULA = re.compile(r"(?:^|(?<=[,;\t\r\n]))(['\"]*)(?=[=+@\t\r\n-])")
"""Spreadsheets run cells that begin with such a sign: https://owasp.org/www-community/attacks/CSV_Injection. If a
spreadsheet splits the file at another separator, a cell also begins after it. Quotes may precede the sign."""


XLSX = "xlsx"


@dataclass(frozen=True)
class FileFormat:
    """`start`: the offset in bytes of the first row after the column names. `newline`: the last character of a line.

    `encoding`: XLSX for a workbook, whose offsets are numbers of rows.
    `columns`: what the columns mean, `""` for one that is left out. `names`: their names in the file.
    """

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    start: int
    newline: str = "\n"
    names: tuple[str, ...] = ()

    @property
    def is_workbook(self) -> bool:
        return self.encoding == XLSX

    @property
    def labels(self) -> tuple[str, ...]:
        """The names; of an import from before there were names, the columns, which had the same."""
        return self.names or self.columns


@dataclass(frozen=True)
class FileRow:
    """`end`: the offset in bytes of the next row. `error`: why the row cannot be split into cells."""

    end: int
    cells: list[str]
    error: Text | None = None

    @property
    def is_blank(self) -> bool:
        return self.error is None and not any(cell.strip() for cell in self.cells)


def read_rows(blocks: Iterator[bytes], form: FileFormat, at: int) -> Iterator[FileRow]:
    """Rows from the offset `at`, at which `blocks` begins. Keeps at most one block and one row in memory.

    If a row is invalid, only its first line is skipped, so an unclosed quote costs one row.
    """
    lines = FileLines(blocks, form.encoding, at, form.newline)
    while True:
        reader = csv.reader(lines, delimiter=form.delimiter, strict=True)
        try:
            for cells in reader:
                yield FileRow(lines.end_row(), cells)
            return
        except RowTooLong:
            error = Text("row.too_long", most=MAX_ROW)
        except csv.Error as error_in_row:
            error = Text("row.not_csv", error=str(error_in_row))
        text = lines.skip_line()
        yield FileRow(lines.start, [text], error)


def write_rows(rows: Iterable[Sequence[object]], delimiter: str = ";") -> str:
    """CSV for spreadsheets. None is an empty cell, and formulas are escaped."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([["" if cell is None else escape_formula(str(cell)) for cell in row] for row in rows])
    return written.getvalue()


def escape_formula(cell: str) -> str:
    """Puts an apostrophe before every formula; `unescape_formula` removes exactly these."""
    return FORMULA.sub(r"'\1", cell)


def unescape_formula(cell: str) -> str:
    return FORMULA.sub(lambda found: found[1].removeprefix("'"), cell)
