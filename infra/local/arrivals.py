"""When posts came to the gateway, and how many of them in the busiest second: what a rate is measured by."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime

from .simulator import Seen


def arrivals(seen: Seen, mailing_id: int | None = None) -> list[float]:
    """In epoch seconds, one after the other; of one mailing, or of all."""
    messages = [one for number, one in seen.messages.items() if mailing_id in (None, number // 10**10)]
    return sorted(datetime.fromisoformat(time).timestamp() for message in messages for time in message["times"])


def most_in_a_second(moments: Iterable[float]) -> int:
    """In any second, wherever it begins."""
    ordered = sorted(moments)
    return max((bisect_left(ordered, moment + 1) - index for index, moment in enumerate(ordered)), default=0)
