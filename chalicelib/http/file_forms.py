"""Reads forms with a file: multipart/form-data, as a browser sends them with and without a script."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from ..domain.unicode_text import compose
from ..errors import BadInput, TooLarge
from ..texts import Text
from .bodies import BODY_LIMIT, FILE_LIMIT, media_type_of

FILE_FORM = "multipart/form-data"
"""API Gateway passes it as bytes, because app.py names it among the binary media types."""

TOO_LARGE = Text("console.file_too_large")


@dataclass(frozen=True)
class SentFile:
    name: str
    content: bytes


@dataclass(frozen=True)
class FileForm:
    """`fields`: the values by name. `files`: by the name of their field, without fields whose file was not chosen."""

    fields: dict[str, list[str]]
    files: dict[str, SentFile]


def is_file_form(content_type: str | None) -> bool:
    return media_type_of(content_type) == FILE_FORM


def read_file_form(raw: bytes, content_type: str) -> FileForm:
    """Raises BadInput, TooLarge."""
    from multipart import MultipartError, MultipartParser, ParserLimitReached, parse_options_header  # for forms alone

    form, most = FileForm({}, {}), FILE_LIMIT + BODY_LIMIT
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    parts = MultipartParser(
        BytesIO(raw), boundary, partsize_limit=FILE_LIMIT, spool_limit=FILE_LIMIT, memory_limit=most
    )
    try:
        for part in parts:
            if part.filename:
                form.files[part.name] = SentFile(compose(part.filename), part.raw)
            elif part.filename is None:
                form.fields.setdefault(part.name, []).append(part.raw.decode("utf-8"))  # as the page is
    except ParserLimitReached as error:
        raise TooLarge(TOO_LARGE) from error
    except (MultipartError, UnicodeDecodeError) as error:
        raise BadInput.of_request(Text("console.form_unreadable", error=str(error)[:200])) from error
    return form
