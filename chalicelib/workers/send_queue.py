"""Woken by the send queue: a batch of messages to post."""

from __future__ import annotations

from functools import cache
from typing import Any

from chalice.app import Blueprint, SQSEvent

from ..delivery.attempt import ReceivedMessage
from ..delivery.sender import Sender
from ..runtime import logging_errors, services, waking

worker = Blueprint(__name__)


@cache
def _sender() -> Sender:
    """With its threads and its memory of mailings, for the life of the container."""
    return Sender(services())


@worker.on_sqs_message(queue="send", name="send_messages", batch_size=100, maximum_batching_window_in_seconds=1)
@logging_errors
def send_messages(event: SQSEvent) -> dict[str, Any]:
    context: Any = event.context
    waking(context)
    records = [
        ReceivedMessage(
            id=record["messageId"],
            receipt_handle=record["receiptHandle"],
            body=record["body"],
            receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
            queued_at=int(record["attributes"]["SentTimestamp"]) / 1000,
        )
        for record in event.to_dict()["Records"]
    ]
    back = _sender().send_batch(records, lambda: context.get_remaining_time_in_millis() / 1000)
    return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in back]}
