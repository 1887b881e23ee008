"""A file of clients as people save it: CSV by `;` or `,`, in UTF-8 or CP1251, with a row that names the columns.

What the file is gets decided once, from its beginning; then rows are read from any place at which one begins.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import BadInput
from ..texts import Text

HEAD = 256 * 1024
"""Bytes of the beginning from which the encoding is decided."""

MAX_ROW = 4096
"""Bytes; a client's row has at most some 2,300. Bounds what an unclosed quote can swallow, and the memory."""

MAX_SHOWN = 64
UTF8, CP1251 = "utf-8", "cp1251"
EITHER = "utf-8 or cp1251"
"""The beginning is ASCII: each line says for itself."""

BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = (";", ",")
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet run a cell: https://owasp.org/www-community/attacks/CSV_Injection"""


@dataclass(frozen=True)
class Columns:
    """Names that a file's columns may have: the `known` ones, and any that `is_more` takes, such as `example`."""

    known: Collection[str]
    required: Collection[str]
    is_more: Callable[[str], bool]
    example: str

    def takes(self, name: str) -> bool:
        return name in self.known or self.is_more(name)

    @property
    def expected(self) -> str:
        return ", ".join([*self.known, self.example])


@dataclass(frozen=True)
class FileFormat:
    """`start`: the byte at which the first row after the names of the columns begins."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    start: int


@dataclass(frozen=True)
class FileRow:
    """`end`: the byte at which the next row begins. `error`: why the cells cannot be told apart."""

    end: int
    cells: list[str]
    error: Text | None = None

    @property
    def is_blank(self) -> bool:
        return self.error is None and not any(cell.strip() for cell in self.cells)


class RowTooLong(Exception):
    """A row goes on for longer than any client's."""


def read_format(head: bytes, is_whole: bool, allowed: Columns) -> FileFormat:
    """From the first HEAD bytes; `is_whole`: there are no more. Raises BadInput: what the first row should be."""
    start = len(BOM) if head.startswith(BOM) else 0
    if not head[start:].strip():
        raise BadInput.of_request(Text("file.empty"))
    if head.startswith(UTF16_BOMS):
        raise BadInput.of_request(Text("file.utf16"))
    encoding = UTF8 if start else _encoding(head, is_whole)
    delimiter = _delimiter(head[start:].partition(b"\n")[0])
    first = next(read_rows(iter([head[start:]]), FileFormat(encoding, delimiter, (), start), start))
    columns = tuple(cell.strip() for cell in first.cells)
    _check_columns(columns, first.error, allowed)
    return FileFormat(encoding, delimiter, columns, first.end)


def read_rows(blocks: Iterator[bytes], form: FileFormat, at: int) -> Iterator[FileRow]:
    """Row by row from the byte `at`, where `blocks` begins; never more than a block and a row in memory.

    Of a row that cannot be read only the first line is given up: an unclosed quote costs one row.
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
        except csv.Error as wrong:
            error = Text("row.not_csv", error=str(wrong))
        text = lines.give_up_line()
        yield FileRow(lines.start, [text], error)


def write_rows(rows: Iterable[Sequence[object]], delimiter: str = ";") -> str:
    """As CSV for spreadsheets; None is an empty cell, and no cell is a formula."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([["" if cell is None else harmless(str(cell)) for cell in row] for row in rows])
    return written.getvalue()


def harmless(cell: str) -> str:
    """With an apostrophe before what a spreadsheet would run; `as_typed` takes exactly that one away."""
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULAS) else cell


def as_typed(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULAS) else cell


class _Lines:
    """Lines as text for csv.reader, which asks for one at a time; knows the bytes of the row that they make."""

    def __init__(self, blocks: Iterator[bytes], encoding: str, start: int) -> None:
        self.start = start
        self._blocks = blocks
        self._encoding = encoding
        self._buffer = b""
        self._row = 0
        self._given = 0
        self._first_line = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        end = self._line_end()
        if end == self._given:
            raise StopIteration
        if end - self._row > MAX_ROW:
            self._first_line = self._first_line or end
            raise RowTooLong
        line = self._buffer[self._given : end]
        self._given = end
        self._first_line = self._first_line or end
        return _decoded(line, self._encoding)

    def end_row(self) -> int:
        """The row is whole: what comes next is another one's. Answers with its place in the file."""
        return self._go_on_at(self._given)

    def give_up_line(self) -> str:
        """Go on after the first line of the row; answers with its beginning."""
        text = _decoded(self._buffer[self._row : min(self._first_line, self._row + MAX_SHOWN)], self._encoding)
        is_cut = not self._buffer[: self._first_line].endswith(b"\n")
        self._go_on_at(self._first_line)
        while is_cut and (block := next(self._blocks, b"")):
            line, newline, self._buffer = block.partition(b"\n")
            self._row = self._given = 0
            self.start += len(line) + len(newline)
            is_cut = not newline
        return text.rstrip("\r\n")

    def _line_end(self) -> int:
        """Past the newline, or past all that there is; a line that is too long is not read to its end."""
        searched = self._given
        while True:
            newline = self._buffer.find(b"\n", searched)
            if newline >= 0:
                return newline + 1
            searched = len(self._buffer)
            block = b"" if searched - self._row > MAX_ROW else next(self._blocks, b"")
            if not block:
                return searched
            self._buffer = self._buffer[self._row :] + block
            searched, self._given, self._first_line = (
                searched - self._row,
                self._given - self._row,
                max(0, self._first_line - self._row),
            )
            self._row = 0

    def _go_on_at(self, place: int) -> int:
        self.start += place - self._row
        self._row = self._given = place
        self._first_line = 0
        return self.start


def _encoding(head: bytes, is_whole: bool) -> str:
    """By the lines that are not ASCII: a UTF-8 file with a damaged one is still UTF-8, and is not read as CP1251."""
    lines = head.split(b"\n")
    foreign = [line for line in (lines if is_whole or len(lines) == 1 else lines[:-1]) if not line.isascii()]
    if not foreign:
        return EITHER
    return UTF8 if 2 * sum(map(_is_utf8, foreign)) >= len(foreign) else CP1251


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(line: bytes, encoding: str) -> str:
    if encoding == EITHER:
        encoding = UTF8 if _is_utf8(line) else CP1251
    return line.decode(encoding, "replace")


def _delimiter(line: bytes) -> str:
    return max(DELIMITERS, key=lambda one: line.count(one.encode()))


def _check_columns(columns: tuple[str, ...], error: Text | None, allowed: Columns) -> None:
    if error or not any(map(allowed.takes, columns)):
        raise BadInput.of_request(Text("file.first_row", columns=allowed.expected))
    errors = {name: [Text("column.required")] for name in allowed.required if name not in columns}
    unknown = [Text("column.unknown", columns=allowed.expected)]
    for number, name in enumerate(columns, 1):
        if not allowed.takes(name):
            errors[name[:MAX_SHOWN] or f"(column {number})"] = unknown
        elif columns.count(name) > 1:
            errors[name] = [Text("column.twice")]
    if errors:
        raise BadInput(errors)
