"""The first request with an Idempotency-Key, and its answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IdempotentRequest:
    """`fingerprint`: the method, address and fields. `reserved_id`: the id of the object that it creates, or 0.

    `status_code` is None until the request is answered. `body` is JSON.
    """

    fingerprint: str
    reserved_id: int
    status_code: int | None = None
    body: str = ""
