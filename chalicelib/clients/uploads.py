"""Files between their upload in the console and the choice of what their columns mean. The bucket keeps them for a day.

An import copies the file: so an upload that nobody imports is gone soon, and a started import keeps its file.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from ..errors import FileGone, NotFound
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services

UPLOAD_ID = re.compile(r"[0-9A-Za-z_-]{16}")


def keep_upload(services: Services, content: bytes) -> str:
    """Returns the id of the upload, which cannot be guessed. Raises NotWritten."""
    upload_id = secrets.token_urlsafe(12)
    services.import_files.put(_key(upload_id), content)
    return upload_id


def read_upload(services: Services, upload_id: str, most: int) -> bytes:
    """The file, up to `most` bytes of it. Raises NotFound, NotRead."""
    gone = NotFound(Text("file.upload_gone"))
    if not UPLOAD_ID.fullmatch(upload_id):
        raise gone
    try:
        piece = services.import_files.read(_key(upload_id), 0, most)
    except FileGone as error:
        raise gone from error
    return piece.content if piece else b""


def _key(upload_id: str) -> str:
    return f"uploads/{upload_id}"
