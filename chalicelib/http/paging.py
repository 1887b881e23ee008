"""Pages of lists: `limit` and an opaque `cursor` in requests, `{"next": URL or null, "results": [...]}` in answers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from ..domain.walk import BEGINNING, Cursor
from ..errors import BadInput, FieldErrors
from ..texts import Text

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


@dataclass(frozen=True)
class Page:
    """A requested page: its size, and the position where it starts (None: at the beginning)."""

    limit: int
    position: tuple[int, ...] | None

    @property
    def cursor(self) -> Cursor:
        """The position as the cursor of a walk over partitions."""
        return Cursor(*self.position) if self.position else BEGINNING


def read_page(query: Mapping[str, str], numbers: int, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> Page:
    """`numbers`: how many numbers the cursor of this list has. Raises BadInput."""
    errors: FieldErrors = {}
    limit, position = default, None
    try:
        limit = _limit(query["limit"], most) if "limit" in query else default
    except ValueError:
        errors["limit"] = [Text("page.limit", most=most)]
    try:
        position = _position(query["cursor"], numbers) if "cursor" in query else None
    except ValueError:
        errors["cursor"] = [Text("page.cursor")]
    if errors:
        raise BadInput(errors)
    return Page(limit, position)


def answer_page(
    url: str,
    query: Mapping[str, str],
    page: Page,
    next_position: Sequence[int] | None,
    results: list[dict[str, object]],
) -> dict[str, object]:
    """`next_position`: where the next page starts, None after the last page."""
    following = None if next_position is None else next_url(url, query, page, next_position)
    return {"next": following, "results": results}


def next_url(url: str, query: Mapping[str, str], page: Page, next_position: Sequence[int]) -> str:
    """The URL of the next page, with the other parameters of the query."""
    cursor = base64.urlsafe_b64encode(json.dumps(next_position).encode()).decode().rstrip("=")
    return f"{url}?{urlencode({**query, 'limit': page.limit, 'cursor': cursor})}"


def position_of(cursor: Cursor | None) -> tuple[int, int] | None:
    return None if cursor is None else (cursor.partition, cursor.id)


def _limit(value: str, most: int) -> int:
    if not (value.isascii() and value.isdigit()) or int(value[:9]) < 1:
        raise ValueError(value)
    return min(int(value[:9]), most)


def _position(value: str, numbers: int) -> tuple[int, ...]:
    try:
        position = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (binascii.Error, UnicodeError, RecursionError) as error:
        raise ValueError(value) from error
    has_all = isinstance(position, list) and len(position) == numbers
    if not has_all or not all(type(number) is int and 0 <= number <= 10**20 for number in position):
        raise ValueError(value)
    return tuple(position)
