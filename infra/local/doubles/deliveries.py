"""Send a mailing through the adapters to an emulator, with batches as from Lambda's poller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.clock import Clock
from chalicelib.adapters.queues import Queue
from chalicelib.adapters.services import Services
from chalicelib.delivery.dead_letters import read_job
from chalicelib.delivery.jobs import KINDS, run_job
from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import Job, ReceivedMessage
from chalicelib.domain.outcome import Kind, Outcome
from chalicelib.gateways.port import Sms

from .aws import make_services
from .fake_clock import FakeClock
from .inline_pool import InlinePool

ENOUGH_SECONDS = 60.0


class AcceptingGateway:
    """Accepts every message without a server, for code that counts calls to AWS."""

    def prepare(self, name: str | None = None) -> None: ...

    def post(self, name: str, sms: Sms, timeout: float) -> Outcome:
        return Outcome(Kind.ACCEPTED)


class RecordingQueue(Queue):
    """Sends to SQS and keeps the bodies, so that they need not be received."""

    def __init__(self, url: str, clock: Clock) -> None:
        super().__init__(url, clock)
        self.bodies: list[str] = []

    def send(self, jobs: Sequence[Job], delays: Sequence[int] | None = None) -> None:
        super().send(jobs, delays)
        self.bodies += map(to_body, jobs)

    def take_bodies(self, limit: int) -> list[str]:
        taken, self.bodies = self.bodies[:limit], self.bodies[limit:]
        return taken


def make_countable_services(**settings: Any) -> Any:
    """Services whose calls to AWS are the same in every run: a slow machine or the order of threads changes none."""
    services: Any = make_services(sender_threads=1, **settings)
    services.clock = FakeClock()
    services.gateway = AcceptingGateway()
    services.thread_pool = lambda _: InlinePool()
    _ = services.clients, services.counters
    return services


def record_queues(services: Services) -> tuple[RecordingQueue, RecordingQueue]:
    """Replace the queues of jobs and of messages by recording ones, and return them."""
    jobs = services.jobs_queue = RecordingQueue(services.settings.jobs_queue_url, services.clock)
    messages = services.send_queue = RecordingQueue(services.settings.send_queue_url, services.clock)
    return jobs, messages


def do_jobs(services: Services, jobs: RecordingQueue) -> int:
    """Run all jobs and return their number."""
    number = 0
    while bodies := jobs.take_bodies(1):
        job = read_job(services, bodies[0], *KINDS)
        assert job is not None
        assert run_job(services, job, lambda: ENOUGH_SECONDS) is None
        number += 1
    return number


def as_records(bodies: Sequence[str], queued_at: float | None = None) -> list[ReceivedMessage]:
    return [ReceivedMessage(str(index), str(index), body, 1, queued_at) for index, body in enumerate(bodies)]
