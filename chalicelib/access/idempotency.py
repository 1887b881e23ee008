"""Idempotency keys: the first request with a key is kept, so that its repetition creates nothing new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.idempotency import IdempotentRequest
from ..errors import KeyReused, RowChanged

if TYPE_CHECKING:
    from ..adapters.services import Services

RETENTION = timedelta(hours=24)


def register_request(
    services: Services,
    name: str,
    fingerprint: str,
    new_id: Callable[[], int] | None = None,
    retention: timedelta = RETENTION,
) -> IdempotentRequest:
    """Returns this request, or the earlier one with the same `name`. Raises KeyReused if their fingerprints differ.

    `new_id` reserves the id of the object that the request creates.
    """
    keys, now = services.idempotency_keys, services.clock.now()
    first = keys.find(name, now)
    if first is None:
        request = IdempotentRequest(fingerprint, new_id() if new_id else 0)
        try:
            keys.add(name, request, now, now + retention)
            return request
        except RowChanged:  # another request with this name came first
            first = keys.find(name, now)
    if first is None:
        raise RowChanged
    if first.fingerprint != fingerprint:
        raise KeyReused
    return first
