"""Read the file of an import from the bucket: a CSV file in blocks from the cursor, a workbook at any place."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from ..domain.client_import import ClientImport
from ..domain.csv_file import FileRow, read_rows
from ..errors import FileGone

if TYPE_CHECKING:
    from ..adapters.files import Files
    from ..adapters.services import Services

READ_SIZE = 256 * 1024
"""Bytes of one read of a CSV file."""

BUFFER_SIZE = 1024 * 1024
"""Bytes of one read of a workbook."""


def rows_from_cursor(services: Services, client_import: ClientImport) -> Iterator[FileRow]:
    """The rows that are not processed yet. Raises FileGone, and BadInput for a workbook that cannot be read."""
    files, form = services.import_files, client_import.form
    if form.is_workbook:
        from ..adapters.spreadsheet import read_workbook_rows  # slow to load

        file = open_file(files, client_import.key, client_import.version)
        return read_workbook_rows(file, form, client_import.offset)
    return read_rows(_blocks(files, client_import), form, client_import.offset)


def open_file(files: Files, key: str, version: str) -> BinaryIO:
    """A file that can be read at any place; one block of it is in memory. Reads raise FileGone, NotRead."""
    return cast(BinaryIO, io.BufferedReader(_StoredBytes(files, key, version), BUFFER_SIZE))


def _blocks(files: Files, client_import: ClientImport) -> Iterator[bytes]:
    """The file from the cursor on. Raises FileGone if it is deleted or has another version."""
    offset = client_import.offset
    while piece := files.read(client_import.key, offset, READ_SIZE):
        if piece.version != client_import.version:
            raise FileGone(client_import.key)
        yield piece.content
        offset += len(piece.content)


class _StoredBytes(io.RawIOBase):
    def __init__(self, files: Files, key: str, version: str) -> None:
        self._files, self._key, self._version = files, key, version
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        self._position = max(0, offset + (self._size() if start is None else start))
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        content = self._read(self._position, len(buffer))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def _size(self) -> int:
        piece = self._files.read(self._key, 0, 1)
        return piece.size if piece else 0

    def _read(self, start: int, length: int) -> bytes:
        piece = self._files.read(self._key, start, length)
        if piece is None:
            return b""
        if piece.version != self._version:
            raise FileGone(self._key)
        return piece.content
