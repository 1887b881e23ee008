"""Count what a message uses of AWS: mailings through the adapters on MiniStack, from announcement to end.

Without rate limits, local hours or failures. The usage of a message is the difference between a large and a small
mailing; the rest is the fixed usage of a mailing. The usage of posts is counted in full batches of the large mailing.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.delivery.fanout import start_mailing
from chalicelib.delivery.receipts import GROUP, settle_receipts, take_receipts
from chalicelib.delivery.sender import Sender
from chalicelib.domain.cost import Units
from chalicelib.domain.mailing_fields import MailingFields
from chalicelib.domain.message import DELIVERED, message_id
from chalicelib.domain.outcome import Outcome
from chalicelib.domain.receipt import Receipt
from chalicelib.gateways.port import Sms
from chalicelib.mailings.lifecycle import MAILING_ID, announce_mailing, cancel_mailing
from infra.local.doubles.aws import add_clients
from infra.local.doubles.deliveries import (
    ENOUGH_SECONDS,
    AcceptingGateway,
    RecordingQueue,
    as_records,
    do_jobs,
    make_countable_services,
    record_queues,
)
from infra.local.doubles.fake_clock import FakeClock
from infra.local.in_process import ministack_in_process

from . import lambda_time
from .aws_units import Meter, metered
from .lambda_logs import PLATFORM_BYTES, charged_bytes, log_as, logged
from .lambda_time import BATCH, CPU_TO_CREATE

SMALL, STEP = 100, 1000
LATENCIES = (0.05, 0.5)
"""Latencies of the gateway in seconds."""

ASKED_LIMIT = 10
"""Messages a second: two batches ask again within a minute."""

STARTING_SECONDS = 0.1
"""Time of the Lambda that a mailing's schedule starts: two calls."""

TEXT = "Здравствуйте! Ваш заказ собран и ждёт вас до воскресенья, с 10 до 21 часа. Адрес и карта: example.com/p/12345."

POLLED = 10
"""Messages in one ReceiveMessage, and in one DeleteMessageBatch, of Lambda's poller: the maximum of SQS.
https://aws.amazon.com/blogs/compute/estimating-cost-for-amazon-sqs-message-processing-using-aws-lambda/"""


@dataclass(frozen=True)
class Priced:
    """`posted` is by the gateway's latency in seconds. `posted` and `closed` (not sent) are in addition to `created`.

    `asked` is the usage of a message that is received under a rate limit and gets no permit.
    `reported` is the usage of one delivery receipt out of a hundred in a request, without the request itself.
    """

    mailing: Units
    created: Units
    posted: dict[float, Units]
    closed: Units
    asked: Units
    reported: Units


class TimedGateway(AcceptingGateway):
    """A post moves the clock by its part of a batch's time, so that the senders' caches expire as on AWS."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.latency = clock, 0.0

    def post(self, name: str, sms: Sms, timeout: float) -> Outcome:
        self.clock.forward(lambda_time.batch_seconds(self.latency) / lambda_time.BATCH)
        return super().post(name, sms, timeout)


def count() -> Priced:
    with ministack_in_process(), metered() as meter, logged() as output:
        counting = _Counting(meter, output)
        closed = counting.cancelled(SMALL)
        asked = counting.asked()
        small, _ = counting.delivered(SMALL)
        reported = counting.reported()
        large, posted = counting.delivered(SMALL + STEP)
    created = (large + small * -1) * (1 / STEP)
    return Priced(small + created * -SMALL, created, posted, closed, asked, reported)


class _Counting:
    def __init__(self, meter: Meter, output: io.StringIO) -> None:
        self.meter, self.output = meter, output
        self.services: Any = make_countable_services()
        self.clock = self.services.clock
        self.gateway = self.services.gateway = TimedGateway(self.clock)
        self.jobs, self.messages = record_queues(self.services)
        self.receipts = self.services.receipts_queue = RecordingQueue(
            self.services.settings.receipts_queue_url, self.services.clock
        )

    def delivered(self, clients: int) -> tuple[Units, dict[float, Units]]:
        """The usage without sending, and by latency that of a sent message, without the first and the last batch."""
        units = self._fanned_out(clients)
        sender, batches = Sender(self.services), clients // BATCH
        posted: dict[float, list[Units]] = {latency: [] for latency in LATENCIES}
        for number in range(batches):
            latency = LATENCIES[number * len(LATENCIES) // batches]
            used = self._batch(sender, latency)
            if 0 < number < batches - 1:
                posted[latency].append(used)
        units += self._jobs(clients, cpu=0)
        return units, {
            latency: sum(used, Units()) * (1 / BATCH / len(used)) for latency, used in posted.items() if used
        }

    def cancelled(self, clients: int) -> Units:
        """The usage of a cancelled message: its row is closed, and its queue message is deleted."""
        self._fanned_out(clients)
        [mailing_id] = self.services.mailings.active_ids(self.clock.now())
        with self._used() as used:
            cancel_mailing(self.services, mailing_id)
        units = used[0] + self._jobs(clients, cpu=0) + self._batch(Sender(self.services), 0)
        return units * (1 / clients)

    def asked(self) -> Units:
        """The usage of a message without a permit. All permits of the moment are taken by the batch before."""
        self._fanned_out(2 * BATCH, rate_limit=ASKED_LIMIT)
        sender, now = Sender(self.services), self.clock.time
        sender.send_batch(as_records(self.messages.take_bodies(BATCH)), lambda: ENOUGH_SECONDS)
        self.clock.time = now
        with self._used() as used:
            log_as("send_messages")
            back = sender.send_batch(as_records(self.messages.take_bodies(BATCH)), lambda: ENOUGH_SECONDS)
        assert len(back) == BATCH
        seconds = lambda_time.ASKING * lambda_time.batch_seconds(LATENCIES[0])
        units = used[0] + Units(queue_requests=BATCH / POLLED) + self._invocations("send_messages", 1, seconds)
        [mailing_id] = self.services.mailings.active_ids(self.clock.now())
        cancel_mailing(self.services, mailing_id)
        self._jobs(0, cpu=0)
        return units * (1 / BATCH)

    def reported(self) -> Units:
        """The usage of one receipt in a group. Its processor time is assumed to be that of creating a message."""
        mailing_id = self.services.counters.last_id(MAILING_ID)
        ids = [message_id(mailing_id, client_id) for client_id in range(1, GROUP + 1)]
        before = self.meter.calls.total()
        with self._used() as used:
            log_as("settle_receipts")
            take_receipts(self.services, [Receipt(number, DELIVERED, self.clock.now()) for number in ids])
            assert settle_receipts(self.services, self.receipts.take_bodies(1), lambda: ENOUGH_SECONDS) == [None]
        waiting = (self.meter.calls.total() - before) * lambda_time.AWS_SECONDS
        seconds = lambda_time.computing("settle_receipts", CPU_TO_CREATE * GROUP) + waiting
        units = used[0] + self._invocations("settle_receipts", 1, seconds) + Units(queue_requests=2)
        return units * (1 / GROUP)

    def _fanned_out(self, clients: int, rate_limit: int | None = None) -> Units:
        """Announce a mailing, start it by its schedule, and walk its audience."""
        add_clients(clients)
        starts_at = self.clock.now() + timedelta(minutes=1)
        fields: MailingFields = {
            "datetime_start": starts_at,
            "datetime_end": starts_at + timedelta(days=1),
            "message_text": TEXT,
            "rate_limit": rate_limit,
        }
        with self._used() as used:
            mailing = announce_mailing(self.services, fields)
            self.clock.time = starts_at
            log_as("start_mailing")
            start_mailing(self.services, mailing.id)
        return used[0] + self._invocations("start_mailing", 1, STARTING_SECONDS) + self._jobs(clients, CPU_TO_CREATE)

    def _jobs(self, clients: int, cpu: float) -> Units:
        """Counts the waiting time of all calls in sequence: an upper bound, because eight threads make them."""
        before = self.meter.calls.total()
        with self._used() as used:
            log_as("run_jobs")
            number = do_jobs(self.services, self.jobs)
        waiting = (self.meter.calls.total() - before) * lambda_time.AWS_SECONDS
        seconds = lambda_time.computing("run_jobs", cpu * clients) + waiting
        return used[0] + self._invocations("run_jobs", number, seconds) + Units(queue_requests=2 * number)

    def _batch(self, sender: Sender, latency: float) -> Units:
        self.gateway.latency = latency
        bodies = self.messages.take_bodies(BATCH)
        assert len(bodies) == BATCH
        with self._used() as used:
            log_as("send_messages")
            records = as_records(bodies, queued_at=self.clock.now().timestamp())
            assert sender.send_batch(records, lambda: ENOUGH_SECONDS) == []
        polled = Units(queue_requests=2 * BATCH / POLLED)
        return used[0] + polled + self._invocations("send_messages", 1, lambda_time.batch_seconds(latency))

    def _invocations(self, function: str, number: int, seconds: float) -> Units:
        """`seconds` is the total of all invocations."""
        time = lambda_time.gigabyte_seconds(function, seconds)
        return Units(invocations=number, gigabyte_seconds=time, log_bytes=number * PLATFORM_BYTES)

    @contextmanager
    def _used(self) -> Iterator[list[Units]]:
        """Yields a list that gets the usage of this block at its end."""
        before, used = Counter(self.meter.units), []
        self.output.truncate(self.output.seek(0))
        yield used
        log_bytes = charged_bytes(self.output.getvalue())
        used.append(Units(**{name: now - before[name] for name, now in self.meter.units.items()}, log_bytes=log_bytes))
