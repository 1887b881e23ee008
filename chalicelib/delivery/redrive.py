"""Return dead letters to their queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..domain.job_bodies import kind_of
from ..domain.jobs import AskReceipts, ImportClients, SendMessage, SettleReceipts
from ..gateways.receipts.aws import inbound_of
from ..logs import log

if TYPE_CHECKING:
    from ..adapters.queues import Queue
    from ..adapters.services import Services

SECONDS_FOR_A_BATCH = 10.0


def redrive(services: Services, seconds_left: Callable[[], float]) -> int:
    """Return the present dead letters to their queues.

    Returns their number, including the unreadable ones, which become dead letters again.
    """
    present = services.dead_letters.size()
    redriven = 0
    while redriven < present and seconds_left() > SECONDS_FOR_A_BATCH:
        letters = services.dead_letters.receive()
        if not letters:
            break
        for letter in letters:
            _queue_of(services, letter.body).send_body(letter.body)
        services.dead_letters.delete([letter.receipt_handle for letter in letters])
        redriven += len(letters)
    log.info("dead letters redriven", extra={"number": redriven})
    return redriven


def _queue_of(services: Services, body: str) -> Queue:
    """The queue of a body. An unreadable body goes to the send queue, which carries most queue messages."""
    if inbound_of(body):
        return services.receipts_queue
    kind = kind_of(body)
    if kind is None or kind is SendMessage:
        return services.send_queue
    if kind is SettleReceipts:
        return services.receipts_queue
    if kind is AskReceipts:
        return services.asks_queue
    return services.imports_queue if kind is ImportClients else services.jobs_queue
