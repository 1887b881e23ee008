"""The time for a message and the memory of a worker, as the audience grows.

The code of the fan-out runs over generated clients, and over tables and queues that serialize and discard their input.
"""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.adapters.tables.message_row import row_of
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.audience import Partition
from chalicelib.domain.client import BLOCK_SIZE, CLIENT_ID
from chalicelib.domain.filter import AudienceMember
from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import Job
from chalicelib.domain.message import Message
from chalicelib.mailings.lifecycle import announce_mailing
from infra.local.doubles.fakes import FakeServices

from .measure import Row, compare
from .stacks import muted_logs

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS, TIMES = 10, 5
MOST_TIME, MOST_MEGABYTES = 1.15, 20


class GeneratedClients:
    def read_members(
        self, block: Partition, after: int, through: int, limit: int, _: Sequence[str]
    ) -> list[AudienceMember]:
        first = max(after + 1, int(block.key) * BLOCK_SIZE)
        end = min(through + 1, (int(block.key) + 1) * BLOCK_SIZE, first + limit)
        return [AudienceMember(number) for number in range(first, end)]


class DiscardingTables:
    """Serializes messages and queue messages as for a request, and keeps only their number."""

    def __init__(self) -> None:
        self.rows = self.queued = 0

    def add(self, messages: Iterable[Message], expires_at: datetime) -> None:
        for message in messages:
            row = row_of(message.key)
            row.status, row.created_at = message.status, message.created_at
            row.expires_at = int(expires_at.timestamp())
            json.dumps(row.serialize())
            self.rows += 1

    def existing(self, *_: object) -> dict[int, Message]:
        return {}

    def send(self, jobs: Sequence[Job], _: Sequence[int] | None = None) -> None:
        for job in jobs:
            to_body(job)
        self.queued += len(jobs)


def run() -> list[Row]:
    list(time_per_message(SIZES[0]))  # imports, connections and caches of the first run are not measured
    rows, peaks = [], []
    for size in SIZES:
        rows.append(_compare(size))
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    what = f"the worker's memory from {SIZES[1]:,} to {SIZES[-1]:,} clients: growth"
    return [*rows, Row(what, "MB", peaks[-1] - peaks[1], most=MOST_MEGABYTES)]


def _compare(size: int) -> Row:
    """Alternate each slice with a mailing of the smallest size."""
    measured: list[float] = []
    baseline: list[float] = []
    while len(measured) < ROUNDS:
        for time_of_slice in time_per_message(size):
            measured.append(time_of_slice)
            baseline.append(
                statistics.median(smallest for _ in range(TIMES) for smallest in time_per_message(SIZES[0]))
            )
    return compare(f"fan-out of {size:,} on fakes: a message", "µs", measured, baseline, most=MOST_TIME)


def time_per_message(size: int) -> Iterator[float]:
    """Yield the microseconds of processor time for a message, slice by slice."""
    services: Any = FakeServices()
    discarding = DiscardingTables()
    services.clients, services.messages, services.send_queue = GeneratedClients(), discarding, discarding
    services.counters.ids[CLIENT_ID] = size
    now = services.clock.now()
    fields: Any = {"datetime_start": now, "datetime_end": now + timedelta(hours=1), "message_text": "bench"}
    mailing_id = announce_mailing(services, fields).id
    with muted_logs():
        start_mailing(services, mailing_id)
    for number in range(services.mailings.get(mailing_id).started_plan.slices):
        before, began = discarding.rows, time.process_time()
        with muted_logs():
            walk_slice(services, mailing_id, number, lambda: 600.0)
        yield 1e6 * (time.process_time() - began) / (discarding.rows - before)
    assert discarding.rows == discarding.queued == size
