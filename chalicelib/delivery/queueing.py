"""Queue messages for sending, each with a delay until its rate limit allows the post.

Messages whose turn is far away wait in their rows, without a queue message, until the feeder queues them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain.canary import select_for_queue
from ..domain.jobs import SendMessage
from ..domain.mailing import Mailing
from ..domain.message import Message
from .rate_limits import book_delays, limits_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services

PAGE = 1000
"""Clients or messages that a worker reads, writes and queues at a time."""

THREADS = 8
SECONDS_FOR_A_PAGE = 15.0
"""A worker with less time begins no page: it would not finish it on a busy table."""

CHUNK = 130
"""Messages that one thread queues: thirteen full SendMessageBatch calls, so that eight threads queue a page at once."""


def queue_messages(services: Services, mailing: Mailing, messages: Sequence[Message], threads: Executor) -> None:
    """`messages` are queued and within their local hours. Those that must wait for the canary are skipped."""
    waiting = select_for_queue(mailing.canary, messages, mailing.counts.cancelled)
    if queue_next(services, mailing, waiting, threads) < len(waiting):
        services.mailings.await_feed(mailing.id)


def queue_again(services: Services, mailing: Mailing, messages: Sequence[Message], threads: Executor) -> None:
    """Queue the messages that a reconciliation round found without queue messages. With a rate limit the feeder does
    this after the round."""
    if limits_of(services.settings, mailing) is None:
        queue_messages(services, mailing, messages, threads)
    elif messages:
        services.mailings.await_feed(mailing.id)


def queue_next(
    services: Services, mailing: Mailing, messages: Sequence[Message], threads: Executor, is_feed: bool = False
) -> int:
    """Queue messages in their order, as far as the horizon of the rate limit. Returns how many were queued."""
    delays = book_delays(services, mailing, len(messages), is_feed)
    jobs = [SendMessage(message.mailing_id, message.client_id) for message in messages[: len(delays)]]

    def send(start: int) -> None:
        services.send_queue.send(jobs[start : start + CHUNK], delays[start : start + CHUNK])

    list(threads.map(send, range(0, len(jobs), CHUNK)))
    return len(jobs)
