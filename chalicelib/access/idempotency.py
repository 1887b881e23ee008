"""What is asked for twice is made once: the first request under a name is kept for a day, with the id it will make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.first_request import FirstRequest
from ..errors import KeyReused, RowChanged

if TYPE_CHECKING:
    from ..adapters.outside import Outside

KEPT = timedelta(hours=24)


def first_request(
    outside: Outside, name: str, fingerprint: str, new_id: Callable[[], int] | None = None
) -> FirstRequest:
    """This request, or an earlier one under the same name, which must be the same: KeyReused otherwise."""
    requests, now = outside.first_requests, outside.clock.now()
    first = requests.find(name, now)
    if first is None:
        mine = FirstRequest(fingerprint, new_id() if new_id else 0)
        try:
            requests.add(name, mine, now, now + KEPT)
            return mine
        except RowChanged:  # the same request, at the same time
            first = requests.find(name, now)
    if first is None:
        raise RowChanged
    if first.fingerprint != fingerprint:
        raise KeyReused
    return first
