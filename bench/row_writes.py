"""AWS calls for writing many rows at once: reconciling and closing messages, receipts, imports.

python -m bench.row_writes        prints the table in docs/PERFORMANCE.md; two minutes

Everything runs through the service's own code and adapters against MiniStack in the same process.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from chalicelib.clients.import_worker import process_import
from chalicelib.clients.imports import import_file
from chalicelib.delivery.receipts import settle_receipts, take_receipts
from chalicelib.delivery.rounds import request_reconciliation
from chalicelib.delivery.sender import Sender
from chalicelib.domain.audit_record import Author
from chalicelib.domain.message import Claim, message_id
from chalicelib.domain.receipt import Receipt
from chalicelib.mailings.lifecycle import announce_mailing, resend_mailing
from infra.local.doubles.aws import add_clients
from infra.local.doubles.deliveries import (
    ENOUGH_SECONDS,
    RecordingQueue,
    as_records,
    do_jobs,
    make_countable_services,
    record_queues,
)
from infra.local.doubles.fake_clock import FakeClock
from infra.local.in_process import ministack_in_process

from .aws_calls import counted_calls
from .aws_units import metered
from .cost import ENVIRONMENT
from .lambda_logs import logged

LASTS = timedelta(hours=1)
BATCH = 100


@dataclass(frozen=True)
class Used:
    """`name`: what was done, to how many rows."""

    name: str
    rows: int
    calls: Counter[str]
    writes: float
    reads: float


def main() -> int:
    os.environ.update(ENVIRONMENT)
    output = sys.stdout  # while a mailing runs, what is printed is its log
    print("| rows | AWS calls | of these, single writes | write units | read units |")
    print("|---|---|---|---|---|")
    chosen = [measure for measure in MEASUREMENTS if not sys.argv[1:] or measure.__name__ in sys.argv[1:]]
    for measure in chosen:
        for used in measure():
            single = used.calls["UpdateItem"] + used.calls["PutItem"]
            numbers = (used.calls.total(), single, round(used.writes), round(used.reads))
            print(f"| {used.name} | " + " | ".join(f"{number:,}" for number in numbers) + " |", file=output, flush=True)
            print(f"  {dict(used.calls)}", file=sys.stderr)
    return 0


class Mailing:
    """A mailing whose audience is queued, on services whose calls are counted."""

    def __init__(self, clients: int, calls: Counter[str], meter: Any, **settings: Any) -> None:
        self.clients, self.calls, self.meter = clients, calls, meter
        self.fields = settings.pop("fields", {})
        self.services: Any = make_countable_services(**settings)
        self.jobs, self.messages = record_queues(self.services)
        add_clients(clients)
        now = self.services.clock.now()
        end = now + self.fields.pop("lasts", LASTS)
        fields: Any = {"datetime_start": now, "datetime_end": end, "message_text": "text", **self.fields}
        self.id = announce_mailing(self.services, fields).id
        do_jobs(self.services, self.jobs)

    @property
    def row(self) -> Any:
        return self.services.mailings.get(self.id)

    def counts(self, name: str, rows: int, work: Callable[[], object]) -> Used:
        self.calls.clear()
        before = Counter(self.meter.units)
        work()
        used = {unit: self.meter.units[unit] - before[unit] for unit in ("writes", "reads")}
        return Used(name, rows, self.calls.copy(), used["writes"], used["reads"])

    def reconcile(self, requeues: str = "") -> None:
        request_reconciliation(self.services, self.row, requeues)
        do_jobs(self.services, self.jobs)

    def send(self) -> None:
        sender = Sender(self.services)
        while bodies := self.messages.take_bodies(BATCH):
            assert sender.send_batch(as_records(bodies), lambda: ENOUGH_SECONDS) == []

    def claim_all(self) -> None:
        """As senders that die before they settle."""
        now = self.services.clock.now()
        keys = [self.row.message_key(client_id) for client_id in range(1, self.clients + 1)]
        self.services.messages.claim_all([Claim(key, now + timedelta(seconds=20), "contract") for key in keys], now)
        self.messages.bodies.clear()
        self.services.clock.forward(1200)


class TickingClock(FakeClock):
    """Audit records are numbered by the moment of their change."""

    def now(self) -> datetime:
        self.forward(0.0001)
        return super().now()


@contextmanager
def mailing(clients: int, **settings: Any) -> Iterator[Mailing]:
    with ministack_in_process(), metered() as meter, counted_calls() as calls, logged():
        yield Mailing(clients, calls, meter, **settings)


def stuck() -> Iterator[Used]:
    with mailing(1000) as stood:
        stood.claim_all()
        yield stood.counts("reconciling 1,000 stuck messages: queued again", 1000, lambda: stood.reconcile("overdue"))


def stuck_in_doubt() -> Iterator[Used]:
    with mailing(1000, gateway_dedupes=False) as stood:
        stood.claim_all()
        yield stood.counts("the same, without a gateway that deduplicates: `unknown`", 1000, stood.reconcile)


def resent() -> Iterator[Used]:
    with mailing(1000, gateway_dedupes=False) as stood:
        stood.claim_all()
        stood.reconcile()

        def resend() -> None:
            resend_mailing(stood.services, stood.id, ["unknown"])
            do_jobs(stood.services, stood.jobs)

        yield stood.counts("the same messages sent again by a resend: reopened and queued", 1000, resend)


def ended() -> Iterator[Used]:
    with mailing(10_000) as over:
        over.services.clock.forward(LASTS.total_seconds() + 1)
        yield over.counts("closing 10,000 unsent messages at a mailing's end, by a round", 10_000, over.reconcile)
        yield over.counts("senders receive their queue messages afterwards", 10_000, over.send)


def expired_in_the_queue() -> Iterator[Used]:
    with mailing(10_000) as over:
        over.services.clock.forward(LASTS.total_seconds() + 1)
        yield over.counts("closing 10,000 unsent messages at a mailing's end, by senders", 10_000, over.send)


def outside_hours() -> Iterator[Used]:
    hours = {"time_from": time(9), "time_to": time(21), "lasts": timedelta(days=2)}
    with mailing(10_000, fields=hours) as waits:
        waits.services.clock.time = waits.services.clock.now().replace(hour=21, minute=30)
        yield waits.counts("10,000 messages whose local hours have ended, by senders", 10_000, waits.send)


def receipts() -> Iterator[Used]:
    with mailing(1000) as sent:
        queue = sent.services.receipts_queue = RecordingQueue(
            sent.services.settings.receipts_queue_url, sent.services.clock
        )
        sent.send()

        def report() -> None:
            now = sent.services.clock.now()
            ids = [message_id(sent.id, client_id) for client_id in range(1, 1001)]
            for start in range(0, 1000, BATCH):
                of_request = ids[start : start + BATCH]
                take_receipts(sent.services, [Receipt(number, "delivered", now) for number in of_request])
            while bodies := queue.take_bodies(10):
                assert set(settle_receipts(sent.services, bodies, lambda: ENOUGH_SECONDS)) == {None}

        yield sent.counts("1,000 receipts", 1000, report)


FILES = (
    ("an import of 10,000 new clients", "phone_number", ""),
    ("the same clients again, each with a new tag", "phone_number;tag", ";t"),
    ("the same clients again, each opted out", "phone_number;opted_out_at", ";2026-11-01T00:00:00Z"),
)


def imports() -> Iterator[Used]:
    with ministack_in_process(), metered() as meter, counted_calls() as calls, logged():
        services: Any = make_countable_services()
        services.clock = TickingClock()
        services.imports_queue = RecordingQueue(services.settings.imports_queue_url, services.clock)
        for name, columns, value in FILES:
            rows = "".join(f"79{number:09d}{value}\n" for number in range(10_000))
            services.import_files.put("clients.csv", f"{columns}\n{rows}".encode())
            calls.clear()
            before = Counter(meter.units)
            author = Author("bench", services.clock.now(), 0.5)
            made = import_file(services, "clients.csv", "clients.csv", author)
            assert process_import(services, made.id, lambda: ENOUGH_SECONDS)
            tally = services.imports.get(made.id).tally
            assert tally.added + tally.changed == 10_000, tally
            used = {unit: meter.units[unit] - before[unit] for unit in ("writes", "reads")}
            yield Used(name, 10_000, calls.copy(), used["writes"], used["reads"])


MEASUREMENTS = (stuck, stuck_in_doubt, resent, ended, expired_in_the_queue, outside_hours, receipts, imports)

if __name__ == "__main__":
    sys.exit(main())
