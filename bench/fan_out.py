"""A fan-out to 100,000 clients. The baseline is a loop of boto3 with the same calls.

The two alternate, slice by slice. The fan-out also reads the clients, stores its cursor and counts; the loop does not.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from chalicelib.adapters.services import Services
from chalicelib.delivery.fanout import THREADS, start_mailing, walk_slice
from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import SendMessage
from chalicelib.mailings.lifecycle import announce_mailing
from infra.local.doubles.aws import STACK_NAME

from .measure import Row, compare
from .stacks import fill, muted_logs, tables_and_queues

CLIENTS = 100_000
LEAST = 0.8
CHUNK = 100


def run() -> list[Row]:
    with tables_and_queues() as services, muted_logs():
        fill(CLIENTS)
        now = services.clock.now()
        times = {"datetime_start": now, "datetime_end": now + timedelta(hours=1)}
        mailing_id = announce_mailing(services, {**times, "message_text": "bench"}).id  # type: ignore[typeddict-item]
        start_mailing(services, mailing_id)
        plan = services.mailings.get(mailing_id).started_plan  # type: ignore[union-attr]
        measured, baseline, measured_cpu, baseline_cpu = [], [], [], []
        for number in range(plan.slices):
            first, last = plan.id_range(number)
            seconds, cpu = _timed(lambda number=number: walk_slice(services, mailing_id, number, lambda: 600.0))
            measured.append((last - first + 1) / seconds)
            measured_cpu.append(1000 * cpu / (last - first + 1))
            _purge(services)
            seconds, cpu = _timed(lambda first=first, last=last: _bare(services, first, last))
            baseline.append((last - first + 1) / seconds)
            baseline_cpu.append(1000 * cpu / (last - first + 1))
            _purge(services)
    what = f"fan-out of {CLIENTS:,}, and the bare calls"
    return [
        compare(f"{what}: recipients", "a second", measured, baseline, least=LEAST),
        compare(f"{what}: processor time", "ms each", measured_cpu, baseline_cpu),
    ]


def _timed(work: Any) -> tuple[float, float]:
    """Elapsed seconds, and seconds of processor time."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu


def _purge(services: Services) -> None:
    """Empty the queue, because MiniStack reads a whole queue at each call."""
    boto3.client("sqs").purge_queue(QueueUrl=services.settings.send_queue_url)


def _bare(services: Services, first: int, last: int) -> None:
    config = Config(max_pool_connections=50)
    dynamodb, sqs = boto3.client("dynamodb", config=config), boto3.client("sqs", config=config)
    queue, created_at = services.settings.send_queue_url, datetime.now(UTC).isoformat()

    def write(start: int) -> None:
        ids = range(start, min(start + CHUNK, last + 1))
        items = [{"PutRequest": {"Item": _item(client_id, created_at)}} for client_id in ids]
        for index in range(0, len(items), 25):
            dynamodb.batch_write_item(RequestItems={f"{STACK_NAME}-messages": items[index : index + 25]})
        entries: Any = [{"Id": str(number % 10), "MessageBody": to_body(SendMessage(99, number))} for number in ids]
        for index in range(0, len(entries), 10):
            sqs.send_message_batch(QueueUrl=queue, Entries=entries[index : index + 10])

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(write, range(first, last + 1, CHUNK)))


def _item(client_id: int, created_at: str) -> dict[str, Any]:
    return {
        "part": {"S": f"99#{client_id % 2}"},
        "client_id": {"N": str(client_id)},
        "status": {"S": "queued"},
        "created_at": {"S": created_at},
        "attempts": {"N": "0"},
        "claimed_until": {"N": "0"},
        "doubts": {"N": "0"},
        "resends": {"N": "0"},
        "expires_at": {"N": "1900000000"},
    }
