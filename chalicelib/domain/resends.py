"""Orders to send messages again: those with a status, or only those of them with a certain reason.

A mailing keeps its orders as texts. An order by status is the status itself. An order that still waits to be carried
out when a newer one is given gets its number in front, `2#failed`: it is no longer for the messages that it has
reopened, or one without an answer would be posted again and nobody has said so.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from ..texts import Text
from .message import Message

MARK = "#"


def order(status: str, reason: Text | None = None) -> str:
    """`failed`, or `failed {"code": ...}` for those that failed for this reason."""
    return status if reason is None else f"{status} {json.dumps(reason.stored, ensure_ascii=False, sort_keys=True)}"


def joined(waiting: Iterable[str], number: int, orders: Iterable[str]) -> tuple[str, ...]:
    """The waiting orders with new ones. `number`: of the last order that waits."""
    new = set(orders)
    numbered = (_read(one, number) for one in waiting)
    return tuple(sorted({*new, *(f"{of}{MARK}{text}" for text, of in numbered if text not in new)}))


def is_ordered(message: Message, orders: Collection[str], number: int) -> bool:
    """Whether one of the orders is for this message. `number`: of the last one."""
    if message.resends >= number or not orders:
        return False
    numbers = dict(_read(one, number) for one in orders)
    of_status, of_reason = message.status, order(message.status, message.last_error)
    return message.resends < max(numbers.get(of_status, 0), numbers.get(of_reason, 0))


def _read(stored: str, last: int) -> tuple[str, int]:
    """An order without its number, and the number."""
    number, mark, text = stored.partition(MARK)
    return (text, int(number)) if mark and number.isdecimal() else (stored, last)
