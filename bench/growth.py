"""What a message costs in time as the audience grows, and whether a worker's memory does.

The fan-out's code over clients that are made up as they are read, and tables and queues that take everything as
it goes over the wire, and keep nothing.
"""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.adapters.tables.messages import row_of
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.audience import Partition
from chalicelib.domain.client import BLOCK_SIZE, CLIENT_ID, Client
from chalicelib.domain.jobs import Job, to_body
from chalicelib.domain.message import Message
from chalicelib.mailings.lifecycle import announce_mailing
from infra.local.doubles.fakes import FakeServices

from .ground import unseen
from .measure import Row, compare

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS, TIMES = 10, 5
MOST_TIME, MOST_MEGABYTES = 1.15, 20


class MadeUpClients:
    def read(self, partition: Partition, after: int, through: int, limit: int) -> list[Client]:
        first = max(after + 1, int(partition.key) * BLOCK_SIZE)
        end = min(through + 1, (int(partition.key) + 1) * BLOCK_SIZE, first + limit)
        return [Client(one, f"79{one % 100:02d}{one:07d}") for one in range(first, end)]


class Wire:
    """Messages and queue messages in the form that they are sent in; nothing is kept but their number."""

    def __init__(self) -> None:
        self.rows = self.queued = 0

    def add(self, messages: Iterable[Message], shards: int, expires_at: datetime) -> None:
        for message in messages:
            row = row_of(message, shards)
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
    list(_walk(SIZES[0]))  # whatever is imported, made and remembered at first is not measured
    rows, peaks = [], []
    for size in SIZES:
        rows.append(_compare(size))
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    what = f"the worker's memory from {SIZES[1]:,} to {SIZES[-1]:,} clients: growth"
    return [*rows, Row(what, "MB", peaks[-1] - peaks[1], most=MOST_MEGABYTES)]


def _compare(size: int) -> Row:
    """Each slice in turns with a mailing of the smallest size."""
    ours: list[float] = []
    theirs: list[float] = []
    while len(ours) < ROUNDS:
        for each in _walk(size):
            ours.append(each)
            theirs.append(statistics.median(one for _ in range(TIMES) for one in _walk(SIZES[0])))
    return compare(f"fan-out of {size:,} on fakes: a message", "µs", ours, theirs, most=MOST_TIME)


def _walk(size: int) -> Iterator[float]:
    """Microseconds of the processor for each message, slice by slice."""
    services: Any = FakeServices()
    wire = Wire()
    services.clients, services.messages, services.send_queue = MadeUpClients(), wire, wire
    services.counters.ids[CLIENT_ID] = size
    now = services.clock.now()
    fields: Any = {"datetime_start": now, "datetime_end": now + timedelta(hours=1), "message_text": "bench"}
    mailing_id = announce_mailing(services, fields).id
    with unseen():
        start_mailing(services, mailing_id)
    for number in range(services.mailings.get(mailing_id).started_plan.slices):
        before, began = wire.rows, time.process_time()
        with unseen():
            walk_slice(services, mailing_id, number, lambda: 600.0)
        yield 1e6 * (time.process_time() - began) / (wire.rows - before)
    assert wire.rows == wire.queued == size
