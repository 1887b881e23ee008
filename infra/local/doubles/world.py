"""A simulation of AWS around the use cases. It invokes them as Lambda, SQS and the Scheduler do, and can crash them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from chalicelib.clients.registry import register_client
from chalicelib.delivery import local_hours
from chalicelib.delivery.asking import ask_for_receipts
from chalicelib.delivery.dead_letters import read_job
from chalicelib.delivery.fanout import start_mailing
from chalicelib.delivery.jobs import KINDS, run_job
from chalicelib.delivery.receipts import settle_receipts, take_receipts
from chalicelib.delivery.sender import Sender
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.client import CLIENT_ID
from chalicelib.domain.counts import Counts, counts_of
from chalicelib.domain.jobs import ReceivedMessage
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.receipt import Receipt
from chalicelib.mailings.lifecycle import announce_mailing
from chalicelib.mailings.series import announce_series

from .crashing_services import Crash, CrashingServices
from .fakes import FakeServices


class World:
    """`crashing` has the services of invocations that crash, by the number of the invocation, from 0."""

    def __init__(self, **settings: Any) -> None:
        self.services = FakeServices(**settings)
        self.batch = 10
        self.invocations = 0
        self.busy_until: datetime | None = None
        self.crashing: dict[int, CrashingServices] = {}

    @property
    def clock(self) -> Any:
        return self.services.clock

    def clients(self, number: int, **fields: Any) -> None:
        known = self.services.counters.last_id(CLIENT_ID)
        for index in range(known, known + number):
            register_client(self.services, {"phone_number": f"79{index % 100:02d}{index:07d}", **fields})

    def mailing(self, starts_in: float = 0, lasts: float = 3600, **fields: Any) -> int:
        start = self.clock.now() + timedelta(seconds=starts_in)
        end = start + timedelta(seconds=lasts)
        given = {"datetime_start": start, "datetime_end": end, "message_text": "text", **fields}
        return announce_mailing(self.services, given).id

    def series(self, starts_in: float = 0, lasts: float = 3600, **fields: Any) -> int:
        start = self.clock.now() + timedelta(seconds=starts_in)
        dates = {"datetime_start": start, "datetime_end": start + timedelta(seconds=lasts)}
        return announce_series(self.services, {**dates, "message_text": "text", "repeat": ("daily",), **fields}).id

    def get(self, mailing_id: int) -> Mailing:
        return self.services.mailings.rows[mailing_id]

    def run(self, seconds: float = 600, step: float = 5) -> None:
        """Advance the clock: schedules fire, queues deliver, and the sweep runs every minute."""
        clock, a_step = self.clock, timedelta(seconds=step)
        now = clock.now()
        end = now + timedelta(seconds=seconds)
        while now < end:
            minute = now.timestamp() // 60
            self.busy_until = now + a_step
            self.tick()
            clock.forward_to(self.busy_until)
            now = clock.now()
            if now.timestamp() // 60 != minute:
                self.invoke(sweep)
                now = clock.now()
        self.busy_until = None

    def tick(self) -> None:
        """Invoke all that AWS would invoke at this moment."""
        now = self.clock.now()
        for mailing_id, at in list(self.services.schedules.times.items()):
            if at <= now:
                self.services.schedules.remove(mailing_id)
                self.invoke(lambda services, mailing_id=mailing_id: start_mailing(services, mailing_id))
        for opening in sorted(opening for opening in self.services.schedules.releases if opening[1] <= now):
            self.services.schedules.releases.remove(opening)
            self.invoke(lambda services, opening=opening: local_hours.release(services, *opening))
        self.do_jobs()
        self.send_all()
        self.settle_all()

    def do_jobs(self) -> None:
        while deliveries := self.services.jobs_queue.receive(1):
            self.do_job_of(deliveries[0])

    def send_all(self) -> None:
        while self._has_time and (deliveries := self.services.send_queue.receive(self.batch)):
            self.send(deliveries)

    @property
    def _has_time(self) -> bool:
        """Senders that wait for permits advance the clock; the rest is then left for the next tick."""
        return self.busy_until is None or self.clock.now() < self.busy_until

    def settle_all(self) -> None:
        for queue, work in (("receipts_queue", settle_receipts), ("asks_queue", ask_for_receipts)):
            while deliveries := getattr(self.services, queue).receive(self.batch):
                self.invoke(partial(self.work_on_receipts, queue=queue, work=work, deliveries=deliveries))

    def fan_out(self) -> None:
        """Run starts and slices: all messages are queued, and none is sent."""
        self.do_jobs()

    def invoke(self, work: Callable[[Any], Any]) -> bool:
        """Run one invocation; returns False if it crashed."""
        services = self.crashing.get(self.invocations, self.services)
        self.invocations += 1
        try:
            work(services)
        except Crash:
            return False
        return True

    def do_job_of(self, delivery: Any) -> None:
        self.invoke(lambda services: self.work_on_job(services, delivery))

    def send(self, deliveries: list[Any]) -> None:
        self.invoke(lambda services: self.work_on_batch(services, deliveries))

    def work_on_job(self, services: Any, delivery: Any) -> None:
        """Do what the Lambda of jobs and its event source do."""
        job = read_job(services, delivery.body, *KINDS)
        delay = run_job(services, job, self.seconds_left(services), delivery.receive_count) if job else None
        if delay is None:
            self.services.jobs_queue.delete([delivery.receipt_handle])
        else:
            self.services.jobs_queue.give_back({delivery.receipt_handle: max(delay, 1)})

    def work_on_batch(self, services: Any, deliveries: list[Any]) -> None:
        """Do what the sender Lambda and its event source do."""
        records = [
            ReceivedMessage(
                one.id, one.receipt_handle, one.body, one.receive_count, one.sent_at and one.sent_at.timestamp()
            )
            for one in deliveries
        ]
        back = self.sender_of(services).send_batch(records, self.seconds_left(services))
        self.services.send_queue.delete([delivery.receipt_handle for delivery in deliveries if delivery.id not in back])

    def seconds_left(self, services: Any) -> Callable[[], float]:
        """What the context of an invocation says."""
        return lambda: 60.0

    def sender_of(self, services: Any) -> Sender:
        """One container does all invocations without a crash."""
        return self._sender if services is self.services else Sender(services)

    @cached_property
    def _sender(self) -> Sender:
        return Sender(self.services)

    def replace_sender(self) -> None:
        """A deploy ends the containers."""
        self.__dict__.pop("_sender", None)

    def work_on_receipts(
        self,
        services: Any,
        deliveries: list[Any],
        queue: str = "receipts_queue",
        work: Callable[..., Any] = settle_receipts,
    ) -> None:
        """Do what the Lambda of delivery receipts and its event sources do."""
        delays = work(services, [delivery.body for delivery in deliveries], self.seconds_left(services))
        back = {
            delivery.receipt_handle: delay
            for delivery, delay in zip(deliveries, delays, strict=True)
            if delay is not None
        }
        getattr(self.services, queue).give_back(back)
        getattr(self.services, queue).delete(
            [delivery.receipt_handle for delivery in deliveries if delivery.receipt_handle not in back]
        )

    def money_by_rows(self, mailing_id: int) -> tuple[int, int]:
        """The SMS parts and the cost of the accepted messages by their rows."""
        counts = self.counted_rows(mailing_id)
        return counts.parts, counts.cost

    def counted_rows(self, mailing_id: int) -> Counts:
        """The counts by the rows of the messages."""
        rows = [row for key, row in self.services.messages.rows.items() if key[0] == mailing_id]
        return replace(counts_of(rows), total=len(rows))

    def report(self, *message_ids: int, status: str = "delivered", reason: str = "", gateway: str = "") -> int:
        """Send delivery receipts as the gateway does; returns how many were taken."""
        now = self.clock.now()
        return take_receipts(self.services, [Receipt(number, status, now, reason, gateway) for number in message_ids])
