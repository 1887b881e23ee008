"""Lists of what has consecutive ids from a counter, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..domain.walk import IDS_A_READ, LIST_SECONDS, HasTime, time_limit, walk_down

if TYPE_CHECKING:
    from .services import Services

T = TypeVar("T")


def list_newest(
    services: Services,
    counter: str,
    read: Callable[[Sequence[int]], Mapping[int, T]],
    before_id: int | None,
    limit: int,
    has_time: HasTime | None = None,
    most_at_once: int = IDS_A_READ,
) -> tuple[list[T], int | None]:
    """A page, and the `before_id` of the next one; None at the end. `counter`: of the ids.

    Without time, or after 5,000 ids, the page is short. `has_time`: by default six seconds. `most_at_once`: ids that
    `read` gets at most, if many of them are missing.
    """
    has_time = has_time or time_limit(services.clock.now, LIST_SECONDS)
    below = services.counters.last_id(counter) + 1 if before_id is None else before_id
    found, next_below = walk_down(read, below, limit, has_time, most_at_once)
    return [item for _, item in found], next_below
