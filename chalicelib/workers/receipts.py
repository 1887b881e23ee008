"""Woken by the receipts queue: a batch of what the gateway has reported."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, SQSEvent

from ..delivery.receipts import settle_receipts as settle
from ..runtime import logging_errors, waking

worker = Blueprint(__name__)


@worker.on_sqs_message(queue="receipts", name="settle_receipts", batch_size=100, maximum_batching_window_in_seconds=5)
@logging_errors
def settle_receipts(event: SQSEvent) -> dict[str, Any]:
    context: Any = event.context
    services = waking(context)
    records = event.to_dict()["Records"]
    delays = settle(
        services,
        [record["body"] for record in records],
        lambda: float(context.get_remaining_time_in_millis()) / 1000,
    )
    back = {record["receiptHandle"]: delay for record, delay in zip(records, delays, strict=True) if delay is not None}
    services.receipts_queue.give_back(back)
    return {
        "batchItemFailures": [
            {"itemIdentifier": record["messageId"]} for record in records if record["receiptHandle"] in back
        ]
    }
