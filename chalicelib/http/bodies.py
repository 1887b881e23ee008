"""Reads request bodies: JSON and forms become a mapping of field names to values, CSV files become bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import parse_qsl

from ..errors import BadInput, TooLarge, WrongMediaType
from ..rules import REPEATED, repeated_names
from ..texts import Text

BODY_LIMIT = 256 * 1024
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
CSV = "text/csv"
BYTES = "application/octet-stream"
FILE_LIMIT = 5 * 1024**2
NOT_UTF8 = "\ufffd".encode()
"""API Gateway replaces bytes that are not UTF-8 by this character, unless the media type is BYTES."""


def read_body(raw: bytes, content_type: str | None) -> dict[str, object]:
    """Returns the unchecked fields; an empty body has none. Raises BadInput, TooLarge, WrongMediaType."""
    require_size(raw)
    if not raw:
        return {}
    media_type = _media_type(content_type, JSON, FORM)
    return dictionary(_read_json(_decoded(raw))) if media_type == JSON else _read_form(_decoded(raw))


def read_list(raw: bytes, content_type: str | None, most: int) -> list[object]:
    """Reads a JSON list, or a single item as a list of one; the items are unchecked.

    Raises BadInput, TooLarge, WrongMediaType.
    """
    require_size(raw)
    _media_type(content_type, JSON)
    body = _read_json(_decoded(raw))
    items = body if isinstance(body, list) else [body]
    if not 0 < len(items) <= most:
        raise BadInput({"non_field_errors": [Text("receipt.number", most=most, number=len(items))]})
    return items


def dictionary(value: object) -> dict[str, object]:
    """Returns the value if it is a dictionary. Raises BadInput otherwise."""
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise BadInput({"non_field_errors": [Text("request.not_a_dictionary", kind=kind)]})
    return value


def read_file(raw: bytes, content_type: str | None) -> bytes:
    """Returns the bytes of a CSV file unchanged. Raises BadInput, TooLarge, WrongMediaType."""
    if len(raw) > FILE_LIMIT:
        raise TooLarge(Text("file.too_large", most=FILE_LIMIT // 1024**2, media_type=BYTES))
    if _media_type(content_type, CSV, BYTES) == CSV and not _is_utf8(raw):
        raise BadInput.of_request(Text("file.not_utf8", media_type=BYTES))
    return raw


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return NOT_UTF8 not in raw


def require_size(raw: bytes) -> None:
    if len(raw) > BODY_LIMIT:
        raise TooLarge(Text("request.too_large", most=BODY_LIMIT // 1024))


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput.of_request(Text("request.not_utf8", error=error.reason, position=error.start)) from error


def _media_type(content_type: str | None, *expected: str) -> str:
    media_type = media_type_of(content_type)
    if media_type not in expected:
        raise WrongMediaType(media_type[:100], expected)
    return media_type


def media_type_of(content_type: str | None) -> str:
    """Without its parameters."""
    return (content_type or "").partition(";")[0].strip().lower()


def _read_json(decoded: str) -> object:
    if not decoded.strip():
        return {}
    try:
        return json.loads(decoded, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise BadInput.of_request(Text("request.json_too_deep")) from error
    except ValueError as error:
        raise BadInput.of_request(Text("request.json", error=str(error)[:200])) from error


def _read_form(decoded: str) -> dict[str, object]:
    try:
        return _unique(parse_qsl(decoded, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError as error:
        raise BadInput.of_request(Text("request.form_not_utf8", error=error.reason)) from error
    except ValueError as error:
        raise BadInput.of_request(Text("request.form", error=str(error)[:200])) from error


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """The fields of a form or of a JSON object. Raises BadInput with the repeated ones."""
    if repeated := repeated_names(pairs):
        raise BadInput({name: [REPEATED] for name in repeated})
    return dict(pairs)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
