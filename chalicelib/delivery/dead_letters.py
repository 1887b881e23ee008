"""Dead letters: queue messages that cannot be read. They are kept whole, for a person to see and to put back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..logs import log, measure

if TYPE_CHECKING:
    from ..adapters.outside import Outside
    from ..adapters.queues import Queue

SECONDS_FOR_A_HANDFUL = 10.0


def put_aside(outside: Outside, bodies: list[str]) -> None:
    """What cannot be read today will not be readable tomorrow, but perhaps after a mended deploy."""
    for body in bodies:
        log.error("unreadable message put to the dead letters", extra={"body": body})
        outside.dead_letters.send_raw(body)
    measure({"DeadLetters": len(bodies)})


def put_back(outside: Outside, seconds_left: Callable[[], float]) -> int:
    """Put those that are there now back into their queues, and say how many; what is still unreadable returns."""
    there = outside.dead_letters.size()
    done = 0
    while done < there and seconds_left() > SECONDS_FOR_A_HANDFUL:
        letters = outside.dead_letters.take()
        if not letters:
            break
        for letter in letters:
            _home(outside, letter.body).send_raw(letter.body)
        outside.dead_letters.delete([letter.receipt for letter in letters])
        done += len(letters)
    log.info("dead letters put back", extra={"number": done})
    return done


def _home(outside: Outside, body: str) -> Queue:
    """The queue that a letter came from, by what it looks like."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return outside.send_queue
    fields = read if isinstance(read, dict) else {}
    if "job" in fields:
        return outside.segments_queue
    if "receipts" in fields:
        return outside.receipts_queue
    return outside.imports_queue if "import" in fields else outside.send_queue
