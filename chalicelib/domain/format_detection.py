"""Detects the format of a CSV file of clients from its beginning, and names a file that is not CSV for what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..errors import BadInput
from ..texts import Text
from .column_names import Columns, column_labels, read_columns
from .csv_file import FileFormat, read_rows
from .encodings import decode, detect_encoding
from .file_lines import FileLines, RowTooLong

HEAD_SIZE = 256 * 1024
"""Bytes at the beginning of the file from which the format is detected."""

ZIP = b"PK\x03\x04"
DELIMITERS = (";", ",", "\t")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
"""A first line by which Excel takes the delimiter, and which it does not show."""

LINE_BREAK = re.compile(r"\r\n|\r|\n")


def read_format(head: bytes, is_complete: bool, allowed: Columns, chosen: Mapping[str, str]) -> FileFormat:
    """Detects the format. `is_complete`: the file has no more bytes. `chosen`: see `read_columns`.

    Raises BadInput, which says what the file is, or what its first row should be.
    """
    outline = read_outline(head, is_complete, allowed)
    return replace(outline, columns=read_columns(outline.names, allowed, chosen))


def read_outline(head: bytes, is_complete: bool, allowed: Columns) -> FileFormat:
    """The format without the meaning of the columns. Raises BadInput."""
    _refuse_other_kinds(head)
    encoding, start = detect_encoding(head, is_complete)
    head = head[:HEAD_SIZE]
    newline = _newline(head[start:], encoding)
    delimiter, start = _delimiter(head, FileFormat(encoding, "", (), start, newline))
    if not decode(head[start:], encoding).strip():
        raise BadInput.of_request(Text("file.empty"))
    form = FileFormat(encoding, delimiter, (), start, newline)
    first = next(read_rows(iter([head[start:]]), form, start))
    if first.error:
        raise BadInput.of_request(Text("file.first_row", columns=allowed.expected))
    names = column_labels(first.cells)
    return FileFormat(encoding, delimiter, (), first.end, newline, names)


def is_workbook(head: bytes) -> bool:
    """Whether it may be an XLSX file, which `adapters/spreadsheet.py` reads."""
    return head.startswith(ZIP) and (b"[Content_Types].xml" in head or b"xl/" in head)


def _refuse_other_kinds(head: bytes) -> None:
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput.of_request(Text("file.spreadsheet", kind="XLS"))
    if head.startswith(b"\x1f\x8b"):
        raise BadInput.of_request(Text("file.packed", kind="GZIP"))
    if head.startswith(ZIP):
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
