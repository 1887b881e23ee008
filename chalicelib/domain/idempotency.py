"""The first request that came under an Idempotency-Key, and its answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IdempotentRequest:
    """`fingerprint`: of its method, address and fields. `reserved_id`: of what it makes, 0 for nothing.

    `status_code` is None until it has been answered; `body` is JSON.
    """

    fingerprint: str
    reserved_id: int
    status_code: int | None = None
    body: str = ""
