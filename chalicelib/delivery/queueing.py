"""Into the send queue: who may be sent to, each for about the time when its rate allows it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..domain.canary import select_for_queue
from ..domain.jobs import SendMessage
from ..domain.mailing import Mailing
from ..domain.message import Message
from .rate_limits import delays_of

if TYPE_CHECKING:
    from ..adapters.services import Services

CHUNK = 130
"""Messages that one thread queues: thirteen SendMessageBatch, all of them full; eight threads have a page in one go."""


def queue_messages(
    services: Services, mailing: Mailing, messages: Sequence[Message], threads: ThreadPoolExecutor
) -> None:
    """Those whose row waits, and who are awake; whom a canary keeps waiting is left out."""
    waiting = select_for_queue(mailing.canary, messages)
    jobs = [SendMessage(message.mailing_id, message.client_id) for message in waiting]
    delays = delays_of(services, mailing, len(jobs))

    def send(start: int) -> None:
        services.send_queue.send(jobs[start : start + CHUNK], delays[start : start + CHUNK])

    list(threads.map(send, range(0, len(jobs), CHUNK)))
