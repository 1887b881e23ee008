"""Woken by the segments queue: one job at a time."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, SQSEvent

from ..delivery.jobs import do_job
from ..runtime import logging_errors, waking

worker = Blueprint(__name__)


@worker.on_sqs_message(queue="segments", name="fan_out", batch_size=1)
@logging_errors
def fan_out(event: SQSEvent) -> dict[str, Any]:
    context: Any = event.context
    outside = waking(context)
    failures = []
    for record in event:
        delay = do_job(outside, record.body, lambda: float(context.get_remaining_time_in_millis()) / 1000)
        if delay is not None:
            outside.segments_queue.give_back({record.receipt_handle: delay})
            failures.append({"itemIdentifier": record.to_dict()["messageId"]})
    return {"batchItemFailures": failures}
