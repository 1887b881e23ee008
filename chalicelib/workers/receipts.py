"""Invoked by the receipts queue and by that of questions: settle a batch of delivery receipts, or ask for some."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, SQSEvent

from ..delivery.asking import ask_for_receipts
from ..delivery.receipts import settle_receipts as settle
from ..domain.job_bodies import kind_of
from ..domain.jobs import AskReceipts
from ..runtime import begin_invocation, logging_errors, seconds_left
from .queues import give_back, received

worker = Blueprint(__name__)


@worker.on_sqs_message(queue="receipts", name="settle_receipts", batch_size=100, maximum_batching_window_in_seconds=5)
@logging_errors
def settle_receipts(event: SQSEvent) -> dict[str, Any]:
    services = begin_invocation(event.context)
    messages = received(event)
    bodies = [message.body for message in messages]
    kind = next(filter(None, map(kind_of, bodies)), None)  # a batch comes from one queue
    are_questions = kind is AskReceipts
    queue = services.asks_queue if are_questions else services.receipts_queue
    work = ask_for_receipts if are_questions else settle
    delays = work(services, bodies, seconds_left(event.context))
    back = {message: delay for message, delay in zip(messages, delays, strict=True) if delay is not None}
    return give_back(queue, back)
