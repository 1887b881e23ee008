"""When posts arrived at the gateway, and how many in the busiest second. Rates are measured by this."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime

from chalicelib.domain.message import read_message_id

from .seen import Seen


def arrivals(seen: Seen, mailing_id: int | None = None) -> list[float]:
    """Epoch seconds in ascending order, of one mailing or of all."""
    messages = [
        message for message_id, message in seen.messages.items() if mailing_id in (None, mailing_of(message_id))
    ]
    return sorted(datetime.fromisoformat(time).timestamp() for message in messages for time in message["times"])


def mailing_of(message_id: int) -> int | None:
    """None for a message outside any mailing."""
    ids = read_message_id(message_id)
    return ids[0] if ids else None


def most_in_a_second(moments: Iterable[float]) -> int:
    """The highest number of moments within one second, which may begin at any moment."""
    ordered = sorted(moments)
    return max((bisect_left(ordered, moment + 1) - index for index, moment in enumerate(ordered)), default=0)
