"""Invoked by the jobs queue, one job at a time."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, SQSEvent

from ..delivery.dead_letters import read_job
from ..delivery.jobs import KINDS, run_job
from ..domain.jobs import ReceivedMessage
from ..runtime import begin_invocation, logging_errors, seconds_left
from .queues import process_batch

worker = Blueprint(__name__)


@worker.on_sqs_message(queue="jobs", name="run_jobs", batch_size=1)
@logging_errors
def run_jobs(event: SQSEvent) -> dict[str, Any]:
    services = begin_invocation(event.context)

    def work(message: ReceivedMessage) -> int | None:
        job = read_job(services, message.body, *KINDS)
        return run_job(services, job, seconds_left(event.context), message.receive_count) if job else None

    return process_batch(event, services.jobs_queue, work)
