"""CSV files of clients: delimited by `;` or `,`, in UTF-8 or CP1251, with a first row of column names.

The format is detected once, from the beginning of the file. Rows can be read from any offset at which a row begins.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import BadInput
from ..texts import Text

HEAD_SIZE = 256 * 1024
"""Bytes at the beginning of the file from which the format is detected."""

MAX_ROW = 4096
"""Bytes. A valid row has at most about 2,300. Limits the memory, and the damage of an unclosed quote."""

MAX_SHOWN = 64
UTF8, CP1251 = "utf-8", "cp1251"
UTF8_OR_CP1251 = "utf-8 or cp1251"
"""The beginning is ASCII, so the encoding is detected line by line."""

BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = (";", ",")
FORMULA = re.compile(r"(?:^|(?<=[,;\t\r\n]))(['\"]*)(?=[=+@\t\r\n-])")
"""Spreadsheets run cells that begin with such a sign: https://owasp.org/www-community/attacks/CSV_Injection. If a
spreadsheet splits the file at another separator, a cell also begins after it. Quotes may precede the sign."""


@dataclass(frozen=True)
class Columns:
    """Valid column names: the `known` ones, and those that `is_extra` accepts, such as `example`."""

    known: Collection[str]
    required: Collection[str]
    is_extra: Callable[[str], bool]
    example: str

    def accepts(self, name: str) -> bool:
        return name in self.known or self.is_extra(name)

    @property
    def expected(self) -> str:
        return ", ".join([*self.known, self.example])


@dataclass(frozen=True)
class FileFormat:
    """`start`: the offset in bytes of the first row after the column names."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    start: int


@dataclass(frozen=True)
class FileRow:
    """`end`: the offset in bytes of the next row. `error`: why the row cannot be split into cells."""

    end: int
    cells: list[str]
    error: Text | None = None

    @property
    def is_blank(self) -> bool:
        return self.error is None and not any(cell.strip() for cell in self.cells)


class RowTooLong(Exception):
    """A row is longer than MAX_ROW."""


def read_format(head: bytes, is_complete: bool, allowed: Columns) -> FileFormat:
    """Detects the format from the first HEAD_SIZE bytes. `is_complete`: the file has no more bytes.

    Raises BadInput, which says what the first row should be.
    """
    start = len(BOM) if head.startswith(BOM) else 0
    if not head[start:].strip():
        raise BadInput.of_request(Text("file.empty"))
    if head.startswith(UTF16_BOMS):
        raise BadInput.of_request(Text("file.utf16"))
    encoding = UTF8 if start else _encoding(head, is_complete)
    delimiter = _delimiter(head[start:].partition(b"\n")[0])
    first = next(read_rows(iter([head[start:]]), FileFormat(encoding, delimiter, (), start), start))
    columns = tuple(cell.strip() for cell in first.cells)
    _check_columns(columns, first.error, allowed)
    return FileFormat(encoding, delimiter, columns, first.end)


def read_rows(blocks: Iterator[bytes], form: FileFormat, at: int) -> Iterator[FileRow]:
    """Rows from the offset `at`, at which `blocks` begins. Keeps at most one block and one row in memory.

    If a row is invalid, only its first line is skipped, so an unclosed quote costs one row.
    """
    lines = _Lines(blocks, form.encoding, at)
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


class _Lines:
    """Iterates over decoded lines for csv.reader, and tracks the offset in bytes of the current row."""

    def __init__(self, blocks: Iterator[bytes], encoding: str, start: int) -> None:
        self.start = start
        self._blocks = blocks
        self._encoding = encoding
        self._buffer = b""
        self._row_start = 0
        self._position = 0
        self._first_line_end = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        end = self._line_end()
        if end == self._position:
            raise StopIteration
        if end - self._row_start > MAX_ROW:
            self._first_line_end = self._first_line_end or end
            raise RowTooLong
        line = self._buffer[self._position : end]
        self._position = end
        self._first_line_end = self._first_line_end or end
        return _decoded(line, self._encoding)

    def end_row(self) -> int:
        """Ends the row after the current line. Returns the offset of the next row."""
        return self._continue_at(self._position)

    def skip_line(self) -> str:
        """Continues after the first line of the row. Returns the first MAX_SHOWN bytes of that line, decoded."""
        text = _decoded(
            self._buffer[self._row_start : min(self._first_line_end, self._row_start + MAX_SHOWN)], self._encoding
        )
        is_cut = not self._buffer[: self._first_line_end].endswith(b"\n")
        self._continue_at(self._first_line_end)
        while is_cut and (block := next(self._blocks, b"")):
            line, newline, self._buffer = block.partition(b"\n")
            self._row_start = self._position = 0
            self.start += len(line) + len(newline)
            is_cut = not newline
        return text.rstrip("\r\n")

    def _line_end(self) -> int:
        """The position after the next newline or at the end of the file. A line that is too long is not read fully."""
        searched = self._position
        while True:
            newline = self._buffer.find(b"\n", searched)
            if newline >= 0:
                return newline + 1
            searched = len(self._buffer)
            block = b"" if searched - self._row_start > MAX_ROW else next(self._blocks, b"")
            if not block:
                return searched
            self._buffer = self._buffer[self._row_start :] + block
            searched, self._position, self._first_line_end = (
                searched - self._row_start,
                self._position - self._row_start,
                max(0, self._first_line_end - self._row_start),
            )
            self._row_start = 0

    def _continue_at(self, position: int) -> int:
        self.start += position - self._row_start
        self._row_start = self._position = position
        self._first_line_end = 0
        return self.start


def _encoding(head: bytes, is_complete: bool) -> str:
    """The encoding of most lines that are not ASCII: one damaged line does not turn a UTF-8 file into CP1251."""
    lines = head.split(b"\n")
    non_ascii = [line for line in (lines if is_complete or len(lines) == 1 else lines[:-1]) if not line.isascii()]
    if not non_ascii:
        return UTF8_OR_CP1251
    return UTF8 if 2 * sum(map(_is_utf8, non_ascii)) >= len(non_ascii) else CP1251


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(line: bytes, encoding: str) -> str:
    if encoding == UTF8_OR_CP1251:
        encoding = UTF8 if _is_utf8(line) else CP1251
    return line.decode(encoding, "replace")


def _delimiter(line: bytes) -> str:
    return max(DELIMITERS, key=lambda delimiter: line.count(delimiter.encode()))


def _check_columns(columns: tuple[str, ...], error: Text | None, allowed: Columns) -> None:
    if error or not any(map(allowed.accepts, columns)):
        raise BadInput.of_request(Text("file.first_row", columns=allowed.expected))
    errors = {name: [Text("column.required")] for name in allowed.required if name not in columns}
    unknown = [Text("column.unknown", columns=allowed.expected)]
    for number, name in enumerate(columns, 1):
        if not allowed.accepts(name):
            errors[name[:MAX_SHOWN] or f"(column {number})"] = unknown
        elif columns.count(name) > 1:
            errors[name] = [Text("column.twice")]
    if errors:
        raise BadInput(errors)
