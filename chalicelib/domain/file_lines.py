"""Reads the lines of a file in blocks, for csv.reader, and knows the offset in bytes of each row."""

from __future__ import annotations

from collections.abc import Iterator

from .encodings import UTF8, decode

MAX_ROW = 4096
"""Bytes. A valid row has at most about 2,300. Limits the memory, and the damage of an unclosed quote."""

MAX_SHOWN = 64


class RowTooLong(Exception):
    """A row is longer than MAX_ROW."""


class FileLines:
    """Iterates over decoded lines, which end with `newline`. `start`: the offset of the current row.

    Keeps at most one block and one row in memory. A character of UTF-16 has units of two bytes: a newline begins at an
    even offset only.
    """

    def __init__(self, blocks: Iterator[bytes], encoding: str, start: int, newline: str = "\n") -> None:
        self.start = start
        self._blocks = blocks
        self._encoding = encoding
        self._unit = 2 if encoding.startswith("utf-16") else 1
        self._newline = newline.encode(encoding if self._unit == 2 else UTF8)
        self._buffer = b""
        self._row_start = 0
        self._position = 0
        self._first_line_end = 0

    def __iter__(self) -> FileLines:
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
        return decode(line, self._encoding)

    def end_row(self) -> int:
        """Ends the row after the current line. Returns the offset of the next row."""
        return self._continue_at(self._position)

    def skip_line(self) -> str:
        """Continues after the first line of the row. Returns the first MAX_SHOWN bytes of that line, decoded."""
        shown = self._buffer[self._row_start : min(self._first_line_end, self._row_start + MAX_SHOWN)]
        is_cut = not self._buffer[: self._first_line_end].endswith(self._newline)
        self._continue_at(self._first_line_end)
        while is_cut and (block := next(self._blocks, b"")):
            self._buffer = self._buffer[self._row_start :] + block
            self._row_start = self._position = 0
            end = self._after_newline(0)
            is_cut = end < 0
            self._continue_at(self._whole_units() if is_cut else end)
        return decode(shown, self._encoding).rstrip("\r\n")

    def _line_end(self) -> int:
        """The position after the next newline or at the end of the file. A line that is too long is not read fully."""
        searched = self._position
        while True:
            end = self._after_newline(searched)
            if end >= 0:
                return end
            searched = self._whole_units()
            block = b"" if searched - self._row_start > MAX_ROW else next(self._blocks, b"")
            if not block:
                return searched if searched - self._row_start > MAX_ROW else len(self._buffer)
            self._buffer = self._buffer[self._row_start :] + block
            searched, self._position, self._first_line_end = (
                searched - self._row_start,
                self._position - self._row_start,
                max(0, self._first_line_end - self._row_start),
            )
            self._row_start = 0

    def _after_newline(self, searched: int) -> int:
        """The position after the next newline, or -1. The buffer begins at the beginning of a unit."""
        found = self._buffer.find(self._newline, searched)
        while found % self._unit and found >= 0:
            found = self._buffer.find(self._newline, found + 1)
        return found + len(self._newline) if found >= 0 else -1

    def _whole_units(self) -> int:
        return len(self._buffer) - len(self._buffer) % self._unit

    def _continue_at(self, position: int) -> int:
        self.start += position - self._row_start
        self._row_start = self._position = position
        self._first_line_end = 0
        return self.start
