"""Woken by the segments queue: one job at a time."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, SQSEvent

from ..delivery.jobs import do_job
from ..runtime import logging_errors, waking

worker = Blueprint(__name__)


@worker.on_sqs_message(queue="jobs", name="run_jobs", batch_size=1)
@logging_errors
def run_jobs(event: SQSEvent) -> dict[str, Any]:
    context: Any = event.context
    services = waking(context)
    failures = []
    for record in event:
        delay = do_job(services, record.body, lambda: float(context.get_remaining_time_in_millis()) / 1000)
        if delay is not None:
            services.jobs_queue.give_back({record.receipt_handle: delay})
            failures.append({"itemIdentifier": record.to_dict()["messageId"]})
    return {"batchItemFailures": failures}
