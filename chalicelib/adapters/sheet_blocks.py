"""The XML of a sheet in blocks, without the rows that are read already.

To parse them takes 20 times as long as to search for their tags. A worker that continues an import reads the sheet from
its beginning, on a seventh of a processor: it would spend all of its time on them, and come no further.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

BLOCK = 64 * 1024
MAX_HEAD = 2 * 1024**2
"""Bytes before the rows. The widths of 16,384 columns have less."""

START_OF_ROWS = re.compile(rb"<(?:\w+:)?sheetData\s*>")
END_OF_ROWS = re.compile(rb"</(\w+:)?sheetData\s*>")
ROW = re.compile(rb"<((?:\w+:)?)row(?=[\s/>])([^>]*)>")
NUMBER = re.compile(rb"""\sr\s*=\s*["']([0-9]{1,10})["']""")
"""Without it a row has the number after the one before."""


def sheet_blocks(part: IO[bytes], at: int) -> Iterator[bytes]:
    """The sheet without its rows up to number `at`: instead of them it has an empty row, which keeps the numbering.

    A sheet whose rows are not found, as one in UTF-16, comes as it is.
    """
    head = b""
    while (start := START_OF_ROWS.search(head)) is None and len(head) < MAX_HEAD and (block := part.read(BLOCK)):
        head += block
    if start is None or not at:
        yield head
    else:
        yield head[: start.end()]
        yield _first_unread(part, head[start.end() :], at)
    while block := part.read(BLOCK):
        yield block


def _first_unread(part: IO[bytes], block: bytes, at: int) -> bytes:
    """From the first row after `at` on, or from the end of the rows, to the end of a block."""
    number = 0
    while True:
        for tag in ROW.finditer(block):
            named = NUMBER.search(tag[2])
            before, number = number, int(named[1]) if named else number + 1
            if number > at:
                empty = b'<%srow r="%d"/>' % (tag[1], before) if before else b""
                return empty + block[tag.start() :]
        if end := END_OF_ROWS.search(block):
            return block[end.start() :]
        following = part.read(BLOCK)
        if not following:
            return b""
        block = _open_tag(block) + following


def _open_tag(block: bytes) -> bytes:
    """A tag that the block cuts off. Texts have no `<` of their own."""
    last = block[block.rfind(b"<") :] if b"<" in block else b""
    return b"" if b">" in last else last
