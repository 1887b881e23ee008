"""Orders to send messages again: those with a status, or only those of them with a certain reason.

A mailing keeps its orders as texts. An order by status is the status itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from ..texts import Text
from .message import Message


def order(status: str, reason: Text | None = None) -> str:
    """`failed`, or `failed {"code": ...}` for those that failed for this reason."""
    return status if reason is None else f"{status} {json.dumps(reason.stored, ensure_ascii=False, sort_keys=True)}"


def is_ordered(message: Message, orders: Collection[str]) -> bool:
    if message.status in orders:
        return True
    return bool(orders) and order(message.status, message.last_error) in orders
