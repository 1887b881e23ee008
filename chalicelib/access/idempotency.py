"""What is asked for twice is made once: the first request under a name is kept for a day, with the id it will make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.idempotency import IdempotentRequest
from ..errors import KeyReused, RowChanged

if TYPE_CHECKING:
    from ..adapters.services import Services

KEPT = timedelta(hours=24)


def register_request(
    services: Services, name: str, fingerprint: str, new_id: Callable[[], int] | None = None
) -> IdempotentRequest:
    """This request, or an earlier one under the same name, which must be the same: KeyReused otherwise."""
    requests, now = services.idempotency_keys, services.clock.now()
    first = requests.find(name, now)
    if first is None:
        mine = IdempotentRequest(fingerprint, new_id() if new_id else 0)
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
