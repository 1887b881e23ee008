"""Rows of XLSX files, one after the other, in bounded memory. It loads slowly: import it only for such a file.

openpyxl reads the parts of the workbook and the rows. What it would keep of each row is dropped here, and each part of
the archive has a size limit: the archive is a ZIP, and may unpack to a thousand times its size.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, time
from typing import IO, Any, BinaryIO
from xml.etree.ElementTree import ParseError
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.datetime import from_excel
from openpyxl.worksheet._reader import WorkSheetParser

from ..domain.column_names import Columns, column_labels, read_columns
from ..domain.csv_file import XLSX, FileFormat, FileRow
from ..domain.file_lines import MAX_ROW, MAX_SHOWN
from ..errors import BadInput
from ..texts import Text
from .sheet_blocks import END_OF_ROWS, sheet_blocks

MAX_ROWS = 200_000
"""A worker that continues an import skips the rows before it, which takes time."""

MAX_COLUMNS = 16_384
"""Of Excel."""

MAX_SHEET = 256 * 1024**2
MAX_STRINGS = 24 * 1024**2
MAX_OTHER = 4 * 1024**2
"""Bytes, unpacked. The texts are all in memory; of the sheet a block is."""

MAX_BETWEEN_ROWS = 2 * 1024**2
"""Bytes of the sheet from one row to the next. A row of 16,384 short cells has less."""

LONGEST_TAG = 256

UNREADABLE = (
    BadZipFile,
    zlib.error,
    ParseError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What openpyxl and zipfile raise for a file that is no workbook, or a damaged one."""


def read_workbook_outline(file: BinaryIO, allowed: Columns) -> FileFormat:
    """The format without the meaning of the columns: the first row with a value has the names. Raises BadInput."""
    first = next((row for row in _rows(file) if not row.is_blank), None)
    if first is None:
        raise BadInput.of_request(Text("file.empty"))
    if first.error:
        raise BadInput.of_request(Text("file.first_row", columns=allowed.expected))
    return FileFormat(XLSX, "", (), first.end, names=column_labels(first.cells))


def read_workbook_format(file: BinaryIO, allowed: Columns, chosen: Mapping[str, str]) -> FileFormat:
    """The format of the first visible sheet. Raises BadInput."""
    outline = read_workbook_outline(file, allowed)
    columns = read_columns(outline.names, allowed, chosen)
    return FileFormat(XLSX, "", columns, outline.start, names=outline.names)


def read_workbook_rows(file: BinaryIO, form: FileFormat, at: int) -> Iterator[FileRow]:
    """The rows after the row `at` of the sheet; `end` of a row is its number. Raises BadInput.

    A later turn of an import passes over what an earlier one has read, which has found its rows in order.
    """
    for row in _rows(file, at if at > form.start else 0):
        if row.end > at:
            missing = len(form.columns) - len(row.cells)
            yield FileRow(row.end, [*row.cells, *[""] * missing], row.error) if missing > 0 else row


def _rows(file: BinaryIO, at: int = 0) -> Iterator[FileRow]:
    """All rows; those up to number `at` are blank."""
    with _readable():
        workbook = _Workbook(file)
    number = 0
    rows = workbook.rows(at)
    while True:
        with _readable():
            found = next(rows, None)
        if found is None:
            return
        if found[0] <= number:  # a repeated number
            raise _unreadable()
        for skipped in range(number + 1, min(found[0], MAX_ROWS + 1)):
            yield FileRow(skipped, [])
        number = found[0]
        if number > MAX_ROWS:
            raise BadInput.of_request(Text("file.too_many_rows", most=MAX_ROWS))
        yield _file_row(number, found[1])


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise _unreadable() from error


def _unreadable() -> BadInput:
    return BadInput.of_request(Text("file.not_a_workbook"))


class _Workbook(ExcelReader):  # type: ignore[misc]
    """Reads the list of sheets, the texts, and which formats are dates; nothing else of the workbook."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, read_only=True, data_only=True, keep_links=False)
        self.archive = _Archive(file)
        self.read_manifest()
        self.archive.most = MAX_STRINGS
        self.read_strings()
        self.archive.most = MAX_OTHER
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)

    def rows(self, at: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """The number and the cells of each row after number `at` of the first visible sheet."""
        parts = [rel.target for sheet, rel in self.parser.find_sheets() if _is_shown(sheet, rel)]
        self.archive.most = MAX_SHEET
        with self.archive.open(parts[0]) as part:
            source = _SheetStream(sheet_blocks(part, at))
            parser = WorkSheetParser(source, self.shared_strings, data_only=True)
            for number, cells in parser.parse():
                source.begin_row()
                parser.row_dimensions.clear()
                for cell in cells:
                    cell["value"] = self._value(cell)
                yield number, cells

    def _value(self, cell: Mapping[str, Any]) -> object:
        value, style = cell["value"], cell["style_id"]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or style not in self.wb._date_formats:
            return value
        try:
            return from_excel(value, self.wb.epoch, timedelta=style in self.wb._timedelta_formats)
        except (OverflowError, ValueError):  # a phone number in a column of dates
            return value


def _is_shown(sheet: Any, rel: Any) -> bool:
    return sheet.state == "visible" and "chartsheet" not in rel.Type


class _Archive(ZipFile):
    """Opens no part that unpacks to more than `most` bytes, by whichever name the workbook refers to it.

    zipfile unpacks no more of a part than the archive says.
    """

    most = MAX_OTHER

    def open(self, name: str | ZipInfo, *args: Any, **options: Any) -> IO[bytes]:
        part = name if isinstance(name, ZipInfo) else self.getinfo(name)
        if part.file_size > self.most or part.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadInput.of_request(Text("file.workbook_too_large", part=part.filename[:MAX_SHOWN]))
        return super().open(part, *args, **options)


class _SheetStream:
    """A sheet up to its last row. Raises ValueError if a row does not end."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._since_row = 0
        self._before = b""
        self._is_over = False

    def begin_row(self) -> None:
        self._since_row = 0

    def read(self, _size: int = -1) -> bytes:
        block = b"" if self._is_over else next(self._blocks, b"")
        self._since_row += len(block)
        if self._since_row > MAX_BETWEEN_ROWS:
            raise ValueError("a row of the sheet is too long")
        found = END_OF_ROWS.search(self._before + block)
        if found is None:
            self._before = block[-LONGEST_TAG:]
            return block
        self._is_over = True
        prefix = found[1] or b""
        return block[: found.end() - len(self._before)] + b"</" + prefix + b"worksheet>"


def _file_row(number: int, found: list[dict[str, Any]]) -> FileRow:
    """The cells by their columns. A row with an error of the spreadsheet, or a long one, is refused."""
    width = max((cell["column"] for cell in found), default=0)
    if width > MAX_COLUMNS:
        raise _unreadable()
    cells, size = [""] * width, 0
    for cell in found:
        text = cells[cell["column"] - 1] = shown_value(cell["value"])
        size += len(text)
        if size > MAX_ROW:
            return FileRow(number, [text[:MAX_SHOWN]], Text("row.cells_too_long", most=MAX_ROW))
    while cells and not cells[-1]:
        cells.pop()
    wrong = next((str(cell["value"]) for cell in found if cell["data_type"] == "e"), None)
    return FileRow(number, cells, Text("row.cell_error", error=wrong[:MAX_SHOWN]) if wrong else None)


def shown_value(value: object) -> str:
    """The text of a value, as a CSV file would have it: a whole number has no decimals, a moment is ISO 8601."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 10**15 else repr(value)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat()
        case time():
            return value.isoformat()
    return str(value)
