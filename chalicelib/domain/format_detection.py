"""Detects the format of a CSV file of clients from its beginning, and names a file that is not CSV for what it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ..errors import BadInput
from ..texts import Text
from .csv_file import FileFormat, read_rows
from .encodings import decode, detect_encoding
from .file_lines import MAX_SHOWN, FileLines, RowTooLong
from .unicode_text import compose

HEAD_SIZE = 256 * 1024
"""Bytes at the beginning of the file from which the format is detected."""

DELIMITERS = (";", ",", "\t")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
"""A first line by which Excel takes the delimiter, and which it does not show."""

LINE_BREAK = re.compile(r"\r\n|\r|\n")


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


def read_format(head: bytes, is_complete: bool, allowed: Columns) -> FileFormat:
    """Detects the format. `is_complete`: the file has no more bytes.

    Raises BadInput, which says what the file is, or what its first row should be.
    """
    _refuse_other_kinds(head)
    encoding, start = detect_encoding(head, is_complete)
    head = head[:HEAD_SIZE]
    newline = _newline(head[start:], encoding)
    delimiter, start = _delimiter(head, FileFormat(encoding, "", (), start, newline))
    if not decode(head[start:], encoding).strip():
        raise BadInput.of_request(Text("file.empty"))
    form = FileFormat(encoding, delimiter, (), start, newline)
    first = next(read_rows(iter([head[start:]]), form, start))
    columns = _without_blank_ends([compose(cell).strip() for cell in first.cells])
    _check_columns(columns, first.error, allowed)
    return FileFormat(encoding, delimiter, columns, first.end, newline)


def _refuse_other_kinds(head: bytes) -> None:
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput.of_request(Text("file.spreadsheet", kind="XLS"))
    if head.startswith(b"\x1f\x8b"):
        raise BadInput.of_request(Text("file.packed", kind="GZIP"))
    if head.startswith(b"PK\x03\x04"):
        if b"[Content_Types].xml" in head or b"xl/" in head:
            raise BadInput.of_request(Text("file.spreadsheet", kind="XLSX"))
        if b"opendocument.spreadsheet" in head:
            raise BadInput.of_request(Text("file.spreadsheet", kind="ODS"))
        raise BadInput.of_request(Text("file.packed", kind="ZIP"))


def _newline(content: bytes, encoding: str) -> str:
    """A lone CR, as Excel for Mac writes it, if it ends the first line; otherwise LF, also for CRLF."""
    found = LINE_BREAK.search(decode(content, encoding))
    return "\r" if found and found[0] == "\r" else "\n"


def _delimiter(head: bytes, form: FileFormat) -> tuple[str, int]:
    """The delimiter, and the offset of the row of column names. Raises BadInput for another delimiter in `sep=`."""
    lines = FileLines(iter([head[form.start :]]), form.encoding, form.start, form.newline)
    try:
        first = next(lines, "")
    except RowTooLong:
        return DELIMITERS[0], form.start
    named = SEPARATOR_LINE.fullmatch(first)
    if named is None:
        return max(DELIMITERS, key=first.count), form.start
    if named[1] not in DELIMITERS:
        raise BadInput.of_request(Text("file.separator", separator=named[1]))
    return named[1], lines.end_row()


def _without_blank_ends(columns: list[str]) -> tuple[str, ...]:
    """A delimiter at the end of each row makes a last column without a name."""
    while columns and not columns[-1]:
        columns.pop()
    return tuple(columns)


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
