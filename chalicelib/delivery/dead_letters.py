"""Dead letters: queue messages that cannot be read. They are kept whole, for a person to see and to put back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..logs import log, measure

if TYPE_CHECKING:
    from ..adapters.queues import Queue
    from ..adapters.services import Services

SECONDS_FOR_A_HANDFUL = 10.0


def send_to_dead_letters(services: Services, bodies: list[str]) -> None:
    """What cannot be read today will not be readable tomorrow, but perhaps after a mended deploy."""
    for body in bodies:
        log.error("unreadable message put to the dead letters", extra={"body": body})
        services.dead_letters.send_raw(body)
    measure({"DeadLetters": len(bodies)})


def redrive(services: Services, seconds_left: Callable[[], float]) -> int:
    """Put those that are there now back into their queues, and say how many; what is still unreadable returns."""
    there = services.dead_letters.size()
    done = 0
    while done < there and seconds_left() > SECONDS_FOR_A_HANDFUL:
        messages = services.dead_letters.take()
        if not messages:
            break
        for message in messages:
            _home(services, message.body).send_raw(message.body)
        services.dead_letters.delete([message.receipt_handle for message in messages])
        done += len(messages)
    log.info("dead letters put back", extra={"number": done})
    return done


def _home(services: Services, body: str) -> Queue:
    """The queue that a letter came from, by what it looks like."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return services.send_queue
    fields = read if isinstance(read, dict) else {}
    if "job" in fields:
        return services.jobs_queue
    if "receipts" in fields:
        return services.receipts_queue
    return services.imports_queue if "import" in fields else services.send_queue
