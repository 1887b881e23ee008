"""One batch of the send queue: read, work off message by message, count, give back.

A message leaves the queue when its row is final; everything else comes back to be tried later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from ..domain.breaker import Breaker
from ..domain.jobs import SendMessage
from ..domain.mailing import NO_COUNTS, Counts, counts_from_statuses
from ..domain.pace import Pace
from ..domain.rate import MAX_LAG
from ..errors import NotWritten
from ..logs import log, log_clients, measure
from . import reconcile
from .attempt import Posting, ReceivedMessage, Result, SendTask, Shared
from .caches import ClientCache, MailingCache
from .dead_letters import read_job
from .rate_limits import Permits

if TYPE_CHECKING:
    from ..adapters.services import Services


class Sender:
    """Lives as long as its Lambda container, with its threads and a short memory of mailings."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.shared = Shared(MailingCache(services), Breaker(), Pace())
        self._threads = ThreadPoolExecutor(services.settings.sender_threads)

    def send_batch(self, records: Sequence[ReceivedMessage], seconds_left: Callable[[], float]) -> list[str]:
        """Work off a batch; answers with the ids of the records that are to come back."""
        waited = self._waited(records)
        jobs = self._read(records)
        self.services.gateway.prepare()
        clients = ClientCache(self.services, [job.client_id for job in jobs])
        permits = Permits(self.services, [job.mailing_id for job in jobs], self._handful)
        posting = Posting(self.services, self.shared, clients, permits, seconds_left)
        results = list(self._threads.map(posting.handle, jobs))
        counts = Counter(result.metric for result in results if result.metric)
        durations = {"GatewayMilliseconds": posting.latencies, "QueueMilliseconds": waited}
        measure(counts, durations)
        _log_settled(jobs, results)
        self._count(jobs, results)
        return self._give_back(jobs, results)

    def _read(self, records: Sequence[ReceivedMessage]) -> list[SendTask]:
        """The records that can be read; the others go to the dead letters."""
        read = [(record, read_job(self.services, record.body, SendMessage)) for record in records]
        return [SendTask(record, job.mailing_id, job.client_id) for record, job in read if job is not None]

    @property
    def _handful(self) -> int:
        """Tokens of a rate that are taken together: as many as the threads can use while they are fresh."""
        needed = self.shared.pace.seconds_needed
        return self.services.settings.sender_threads * max(1, int(MAX_LAG / needed) if needed else 1)

    def _waited(self, records: Sequence[ReceivedMessage]) -> list[float]:
        """How long the oldest of them has been in the queue, in milliseconds."""
        oldest = min((record.queued_at for record in records if record.queued_at), default=None)
        return [] if oldest is None else [(self.services.clock.now().timestamp() - oldest) * 1000]

    def _count(self, jobs: list[SendTask], results: list[Result]) -> None:
        """Counters are added once per mailing and batch; the last one to add asks for the recount."""
        by_mailing: dict[int, list[Result]] = {}
        for job, result in zip(jobs, results, strict=True):
            by_mailing.setdefault(job.mailing_id, []).append(result)
        for mailing_id, group in by_mailing.items():
            counts = counts_from_statuses(Counter(result.status for result in group if result.status))
            if counts != NO_COUNTS:
                self._add(mailing_id, counts, max((r.posted_at for r in group if r.posted_at), default=None))

    def _add(self, mailing_id: int, counts: Counts, last_post_at: datetime | None) -> None:
        try:
            mailing = self.services.mailings.add_counts(mailing_id, counts, self.services.clock.now(), last_post_at)
        except NotWritten:  # the rows have it, and the recount will read them
            log.exception("batch not counted", extra={"mailing_id": mailing_id})
            return
        if mailing is None:
            return
        self.shared.mailings.remember(mailing)
        if mailing.needs_reconciliation:
            reconcile.request_reconciliation(self.services, mailing)

    def _give_back(self, jobs: list[SendTask], results: list[Result]) -> list[str]:
        waits = [(job, result.delay, result.asks_again) for job, result in zip(jobs, results, strict=True)]
        back = {job.record: delay for job, delay, asks_again in waits if delay is not None and not asks_again}
        self.services.send_queue.give_back({record.receipt_handle: delay for record, delay in back.items()})
        self._queue_anew({job: delay for job, delay, asks_again in waits if delay is not None and asks_again})
        return [record.id for record in back]

    def _queue_anew(self, delays: Mapping[SendTask, int]) -> None:
        """Whom a rate keeps waiting: given back, all of them would be in flight, and SQS has 120,000 of those at most.

        Dead before these leave the queue they are there twice, and are posted once.
        """
        jobs = [SendMessage(job.mailing_id, job.client_id) for job in delays]
        self.services.send_queue.send(jobs, list(delays.values()))


def _log_settled(jobs: list[SendTask], results: list[Result]) -> None:
    settled: dict[tuple[int, str], list[int]] = {}
    for job, result in zip(jobs, results, strict=True):
        if result.status:
            settled.setdefault((job.mailing_id, result.status), []).append(job.client_id)
    for (mailing_id, status), client_ids in settled.items():
        log_clients("settled", client_ids, mailing_id=mailing_id, status=status)
