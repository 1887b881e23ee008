"""Pages of lists: `limit` and an opaque `cursor` in requests, `{"next": URL or null, "results": [...]}` in answers.

A page ends after `limit` rows, or earlier: before its answer is larger than Lambda allows.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from ..domain.walk import BEGINNING, Cursor
from ..errors import BadInput, FieldErrors
from ..texts import Text

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

PAGE_QUERY = ("limit", "cursor")
"""The query parameters of a list."""

MAX_POSITION = 10**20
"""The highest number of a cursor."""

SIZE_LIMIT = 5_000_000
"""Bytes of the rows of an answer. Lambda refuses more than 6 MB; the rest is for what surrounds the rows."""

T = TypeVar("T")
Position = Sequence[int]
ReadRows = Callable[[int], tuple[list[T], Position | None]]
"""Reads at most this many rows. Returns them with the position after them; None at the end of the list."""

Listed = tuple[list[dict[str, object]], Position | None]
"""Rows of an answer, with the position after them."""


@dataclass(frozen=True)
class Page:
    """A requested page: its size, and the position where it starts (None: at the beginning)."""

    limit: int
    position: tuple[int, ...] | None

    @property
    def number(self) -> int | None:
        """The position in a list whose cursors have one number."""
        return self.position[0] if self.position else None

    @property
    def cursor(self) -> Cursor:
        """The position as the cursor of a walk over partitions."""
        return Cursor(*self.position) if self.position else BEGINNING


def read_page(
    query: Mapping[str, str],
    numbers: int,
    default: int = DEFAULT_LIMIT,
    most: int = MAX_LIMIT,
    highest: int = MAX_POSITION,
) -> Page:
    """`numbers`: how many numbers the cursor of this list has, each at most `highest`. Raises BadInput."""
    errors: FieldErrors = {}
    limit, position = default, None
    try:
        limit = _limit(query["limit"], most) if "limit" in query else default
    except ValueError:
        errors["limit"] = [Text("page.limit", most=most)]
    try:
        position = _position(query["cursor"], numbers, highest) if "cursor" in query else None
    except ValueError:
        errors["cursor"] = [Text("page.cursor")]
    if errors:
        raise BadInput(errors)
    return Page(limit, position)


def answer_page(url: str, query: Mapping[str, str], page: Page, read: ReadRows[dict[str, object]]) -> dict[str, object]:
    """`read` begins at the position of the page."""
    results, next_position = read_fitting(read, page.limit, json_size)
    return {"next": next_url(url, query, page, next_position), "results": results}


def read_fitting(
    read: ReadRows[T], limit: int, size: Callable[[list[T]], int], room: int = SIZE_LIMIT
) -> tuple[list[T], Position | None]:
    """Reads at most `limit` rows, and again fewer if they are larger than `room`. A single row is always returned.

    `size`: the bytes that rows take in the answer.
    """
    rows, next_position = read(limit)
    while size(rows) > room and len(rows) > 1:
        rows, next_position = read(_number_fitting(rows, size, room))
    return rows, next_position


def _number_fitting(rows: list[T], size: Callable[[list[T]], int], room: int) -> int:
    """At least one, and fewer than all of the rows."""
    number = 0
    while number < len(rows) - 1 and (room := room - size([rows[number]])) >= 0:
        number += 1
    return max(1, number)


def json_size(rows: list[dict[str, object]]) -> int:
    """In the answer of a Lambda function: the body is a text in JSON, with a Cyrillic letter as six bytes."""
    return text_size(json.dumps(rows, ensure_ascii=False))


def text_size(text: str) -> int:
    return len(json.dumps(text))


def next_url(url: str, query: Mapping[str, str], page: Page, next_position: Position | None) -> str | None:
    """The URL of the next page, with the other parameters of the query; None after the last page."""
    if next_position is None:
        return None
    cursor = base64.urlsafe_b64encode(json.dumps(next_position).encode()).decode().rstrip("=")
    return f"{url}?{urlencode({**query, 'limit': page.limit, 'cursor': cursor})}"


def position_of(cursor: Cursor | None) -> tuple[int, int] | None:
    return None if cursor is None else (cursor.partition, cursor.id)


def position_at(number: int | None) -> tuple[int] | None:
    return None if number is None else (number,)


def _limit(value: str, most: int) -> int:
    if not (value.isascii() and value.isdigit()) or int(value[:9]) < 1:
        raise ValueError(value)
    return min(int(value[:9]), most)


def _position(value: str, numbers: int, highest: int) -> tuple[int, ...]:
    try:
        position = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (binascii.Error, UnicodeError, RecursionError) as error:
        raise ValueError(value) from error
    has_all = isinstance(position, list) and len(position) == numbers
    if not has_all or not all(type(number) is int and 0 <= number <= highest for number in position):
        raise ValueError(value)
    return tuple(position)
