"""Pages of a list: `limit` and an opaque `cursor` come in, `{"next": URL or null, "results": [...]}` goes out."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from ..domain.walk import BEGINNING, Cursor
from ..errors import BadInput

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


@dataclass(frozen=True)
class Page:
    """What was asked for: how many, and from where on (None: from the beginning)."""

    limit: int
    place: tuple[int, ...] | None

    @property
    def cursor(self) -> Cursor:
        """The place in a walk through partitions."""
        return Cursor(*self.place) if self.place else BEGINNING


def read_page(query: Mapping[str, str], numbers: int, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> Page:
    """`numbers`: how many numbers this list's cursor is made of."""
    errors = {}
    limit, place = default, None
    try:
        limit = _limit(query["limit"], most) if "limit" in query else default
    except ValueError:
        errors["limit"] = [f"A whole number from 1 to {most} is expected."]
    try:
        place = _place(query["cursor"], numbers) if "cursor" in query else None
    except ValueError:
        errors["cursor"] = ["Invalid cursor: take the address from `next` as it is."]
    if errors:
        raise BadInput(errors)
    return Page(limit, place)


def answer_page(
    url: str, query: Mapping[str, str], page: Page, place: Sequence[int] | None, results: list[dict[str, object]]
) -> dict[str, object]:
    """`place`: where the next page begins, None at the end."""
    return {"next": None if place is None else next_url(url, query, page, place), "results": results}


def next_url(url: str, query: Mapping[str, str], page: Page, place: Sequence[int]) -> str:
    """The other parameters of the query are kept."""
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    return f"{url}?{urlencode({**query, 'limit': page.limit, 'cursor': cursor})}"


def cursor_place(cursor: Cursor | None) -> tuple[int, int] | None:
    return None if cursor is None else (cursor.partition, cursor.id)


def _limit(sent: str, most: int) -> int:
    if not (sent.isascii() and sent.isdigit()) or int(sent[:9]) < 1:
        raise ValueError(sent)
    return min(int(sent[:9]), most)


def _place(sent: str, numbers: int) -> tuple[int, ...]:
    try:
        place = json.loads(base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)))
    except (binascii.Error, UnicodeError, RecursionError) as error:
        raise ValueError(sent) from error
    is_place = isinstance(place, list) and len(place) == numbers
    if not is_place or not all(type(number) is int and 0 <= number <= 10**20 for number in place):
        raise ValueError(sent)
    return tuple(place)
