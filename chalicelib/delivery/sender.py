"""Handle one batch of the send queue: read it, handle its messages in groups, count the results, return the rest.

A queue message is deleted when the row of its message is final or waits without it. Any other returns to the queue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.counts import NO_COUNTS, Counts, counts_from_statuses
from ..domain.gateway_posts import by_gateway
from ..domain.job_bodies import from_body
from ..domain.jobs import ReceivedMessage, SendMessage
from ..domain.message import FAILED, SENT, UNKNOWN
from ..domain.money import UNIT
from ..domain.pace import Pace
from ..domain.rate import MAX_LAG
from ..domain.sweep_plan import needs_wait_record
from ..errors import NotRead, NotWritten
from ..logs import log, log_clients, measure
from .attempt import TaskHandler
from .batch import Batch
from .braking import count_results
from .breaker_reports import BreakerReporter
from .caches import ClientCache, MailingCache
from .channels import Channels
from .conclusion import METRICS
from .dead_letters import send_to_dead_letters
from .gateway_tally import GatewayTally
from .posting import Posting
from .rate_limits import Permits
from .reasons import ReasonCounter
from .rounds import request_reconciliation
from .send_task import Result, SendTask
from .spending import DaySpending, Spending
from .waves import count_results as count_waves

if TYPE_CHECKING:
    from ..adapters.services import Services


OF_THE_GATEWAY = {"Retried", "HeldBack", *METRICS.values()}
"""The metrics of messages that wait because of the gateway."""

WRITERS = 3
"""Threads that settle messages, and claim one group at a time. One works while others repeat what was throttled."""


class Sender:
    """Exists once per Lambda container, and keeps its threads, mailing cache, channels and pace."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.mailings = MailingCache(services)
        self.channels = Channels(services)
        self.breakers = BreakerReporter(services)
        self.pace = Pace()
        self.day = DaySpending(services)
        self.reasons = ReasonCounter(services)
        self.tally = GatewayTally(services)
        self._threads = services.thread_pool(services.settings.sender_threads)
        self._writers = services.thread_pool(WRITERS)

    def send_batch(self, records: Sequence[ReceivedMessage], seconds_left: Callable[[], float]) -> list[str]:
        """Returns the ids of the records that return to the queue."""
        waited = self._waited(records)
        new = self._waited([record for record in records if record.receive_count == 1])
        tasks, unreadable = _read_tasks(records)
        self.services.gateway.prepare()
        clients = ClientCache(self.services, [task.client_id for task in tasks])
        permits = Permits(self.services, [task.mailing_id for task in tasks], self._permits_per_request)
        backlog = max(new, default=0.0) / 1000
        spending = Spending(self.services, self.day)
        posting = Posting(
            self.services, self.mailings, clients, self.channels, self.pace, spending, seconds_left, backlog
        )
        handler = TaskHandler(self.services, self.mailings, clients, permits, posting)
        results = Batch(self.services, handler, self._threads, self._writers).handle(tasks)
        counts = Counter(result.metric for result in results if result.metric)
        durations = {"GatewayMilliseconds": [post.milliseconds for post in posting.posts], "QueueMilliseconds": waited}
        measure(counts, durations, _success(results), {"Spent": _counts(results).cost / UNIT})
        _log_settled(tasks, results)
        spending.count_day(results)
        self.tally.add(posting.posts, self.services.clock.now())
        self._count(tasks, results, spending)
        for body in unreadable:  # last: an error here brings the batch back, and its messages are settled by now
            send_to_dead_letters(self.services, body)
        returned = self._give_back(tasks, results)
        self.breakers.tell(self.channels.openings(), seconds_left())
        return returned

    @property
    def _permits_per_request(self) -> int:
        """As many permits as the threads can use before the permits expire."""
        needed = self.pace.seconds_needed
        return self.services.settings.sender_threads * max(1, int(MAX_LAG / needed) if needed else 1)

    def _waited(self, records: Sequence[ReceivedMessage]) -> list[float]:
        """The age of the oldest queue message, in milliseconds, as a list of at most one value."""
        oldest = min((record.queued_at for record in records if record.queued_at), default=None)
        return [] if oldest is None else [(self.services.clock.now().timestamp() - oldest) * 1000]

    def _count(self, tasks: list[SendTask], results: list[Result], spending: Spending) -> None:
        """Add the results to the counts, once per mailing, and request reconciliation if a decision is due."""
        by_mailing: dict[int, list[tuple[SendTask, Result]]] = {}
        for task, result in zip(tasks, results, strict=True):
            by_mailing.setdefault(task.mailing_id, []).append((task, result))
        for mailing_id, group in by_mailing.items():
            counts = _counts([result for _, result in group])
            try:
                if counts == NO_COUNTS:
                    self._record_wait(mailing_id, [result for _, result in group])
                else:
                    self._add(mailing_id, counts, group)
            except (NotRead, NotWritten):  # the next reconciliation round counts the rows, which have the statuses
                log.exception("batch not counted", extra={"mailing_id": mailing_id})
            self._brake(mailing_id, [result for _, result in group], spending)

    def _add(self, mailing_id: int, counts: Counts, group: list[tuple[SendTask, Result]]) -> None:
        """Raises NotWritten."""
        posted_at = max((result.posted_at for _, result in group if result.posted_at), default=None)
        queued_at = max((task.received.queued_at for task, _ in group if task.received.queued_at), default=None)
        reached_at = datetime.fromtimestamp(queued_at, UTC) if queued_at else None
        now = self.services.clock.now()
        posted = [result.milliseconds for _, result in group if result.was_posted]
        untold = by_gateway(self.tally.take())
        mailing = self.services.mailings.add_counts(
            mailing_id, counts, now, posted_at, reached_at, len(posted), sum(posted), untold
        )
        if mailing is None:
            return
        self.mailings.put(mailing, now)
        self.reasons.count(mailing, [result for _, result in group])
        count_waves(self.services, mailing, [result for _, result in group])
        if mailing.needs_reconciliation:
            request_reconciliation(self.services, mailing)

    def _record_wait(self, mailing_id: int, results: list[Result]) -> None:
        """Record for the sweep that messages of a mailing without progress are in the queue.

        Raises NotRead and NotWritten. A message that waits after its own failed attempt does not count: others of the
        mailing may be lost.
        """
        delays = [result.delay for result in results if result.delay is not None and not result.was_posted]
        mailing = self.mailings.get(mailing_id) if delays else None
        if mailing is None:
            return
        now = self.services.clock.now()
        waits_until = now + timedelta(seconds=max(delays))
        if needs_wait_record(mailing, now, waits_until):
            self.services.mailings.record_wait(mailing_id, waits_until)

    def _brake(self, mailing_id: int, results: list[Result], spending: Spending) -> None:
        """An error is logged and raises an alarm. The messages of the batch are settled, and return to the queue."""
        try:
            spending.pause_at_limit(self.mailings, mailing_id, results)
            count_results(self.services, self.mailings, mailing_id, results)
        except Exception:
            log.exception("answers not counted", extra={"mailing_id": mailing_id})
            measure({"SenderErrors": 1})

    def _give_back(self, tasks: list[SendTask], results: list[Result]) -> list[str]:
        """Queue nothing anew: AWS stops a function that sends to its own queue after 16 messages in a row."""
        for mailing_id in {task.mailing_id for task, result in zip(tasks, results, strict=True) if result.awaits_feed}:
            self.services.mailings.await_feed(mailing_id)
        back = {
            task.received: result.delay for task, result in zip(tasks, results, strict=True) if result.delay is not None
        }
        self.services.send_queue.give_back({received.receipt_handle: delay for received, delay in back.items()})
        return [received.id for received in back]


def _counts(results: Sequence[Result]) -> Counts:
    """By the final statuses, with what the sent messages cost."""
    counts = counts_from_statuses(Counter(result.status for result in results if result.status))
    sent = [result for result in results if result.status == SENT]
    return replace(counts, parts=sum(result.parts for result in sent), cost=sum(result.cost for result in sent))


def _success(results: Sequence[Result]) -> dict[str, float]:
    """1 if a message was sent, 0 if messages were posted or held back and none was sent, else nothing.

    The maximum of a minute is 0 if nothing was sent in it. So an alarm needs one metric, and no formula of several.
    """
    statuses = {result.status for result in results}
    failures = {result.failure for result in results}
    is_any_not_sent = not statuses.isdisjoint({FAILED, UNKNOWN}) or not failures.isdisjoint(OF_THE_GATEWAY)
    return {"BatchSucceeded": float(SENT in statuses)} if SENT in statuses or is_any_not_sent else {}


def _read_tasks(records: Sequence[ReceivedMessage]) -> tuple[list[SendTask], list[str]]:
    """Returns the tasks, and the bodies that cannot be read."""
    tasks: list[SendTask] = []
    unreadable: list[str] = []
    for record in records:
        job = from_body(record.body)
        if isinstance(job, SendMessage):
            tasks.append(SendTask(record, job.mailing_id, job.client_id))
        else:
            unreadable.append(record.body)
    return tasks, unreadable


def _log_settled(tasks: list[SendTask], results: list[Result]) -> None:
    settled: dict[tuple[int, str], list[int]] = {}
    for task, result in zip(tasks, results, strict=True):
        if result.status:
            settled.setdefault((task.mailing_id, result.status), []).append(task.client_id)
    for (mailing_id, status), client_ids in settled.items():
        log_clients("settled", client_ids, mailing_id=mailing_id, status=status)
