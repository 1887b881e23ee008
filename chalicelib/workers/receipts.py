"""Invoked by the receipts queue: settle a batch of delivery receipts."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, SQSEvent

from ..delivery.receipts import settle_receipts as settle
from ..runtime import begin_invocation, logging_errors, seconds_left
from .queues import give_back, received

worker = Blueprint(__name__)


@worker.on_sqs_message(queue="receipts", name="settle_receipts", batch_size=100, maximum_batching_window_in_seconds=5)
@logging_errors
def settle_receipts(event: SQSEvent) -> dict[str, Any]:
    services = begin_invocation(event.context)
    messages = received(event)
    delays = settle(services, [message.body for message in messages], seconds_left(event.context))
    back = {message: delay for message, delay in zip(messages, delays, strict=True) if delay is not None}
    return give_back(services.receipts_queue, back)
