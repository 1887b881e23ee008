"""One batch of the send queue: read, claim, post, settle, give back.

A message leaves the queue when its row is final; everything else comes back to be tried later.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from . import recount
from .domain.admission import Admission, admit, seconds_for_post
from .domain.backoff import retry_delay
from .domain.breaker import Breaker
from .domain.client import Client
from .domain.gateway_result import Outcome, read_answer
from .domain.mailing import Counts, Mailing
from .domain.message import CANCELLED, EXPIRED, FAILED, SENT, Message, message_id
from .logs import count, log

if TYPE_CHECKING:
    from .adapters.outside import Outside

MAILING_LIFE = timedelta(seconds=1)
"""How long a mailing that may be sent is taken from memory: so soon a change or a cancel is seen."""

MAILINGS_KNOWN = 100
"""More are not kept in memory: a text may be long."""

SECONDS_TO_SETTLE = 5.0
"""Kept at the end of an invocation for writing results; a post never gets it."""

LEAST_POST_SECONDS = 1.0
"""A post that has less time than this is not begun: it might be cut off on its way."""

WAIT_SECONDS = 30
CLAIM_MARGIN = timedelta(seconds=SECONDS_TO_SETTLE)


@dataclass(frozen=True)
class Record:
    """A message of the send queue. `receive_count`: how often it has been received, from 1."""

    id: str
    receipt: str
    body: str
    receive_count: int


@dataclass(frozen=True)
class Job:
    record: Record
    mailing_id: int
    client_id: int


@dataclass(frozen=True)
class Result:
    """`status`: the final status this batch gave it. `delay`: seconds until it is to come back; None: done.

    `failure`: the metric that counts why it comes back.
    """

    status: str | None = None
    delay: int | None = None
    failure: str | None = None

    @property
    def metric(self) -> str | None:
        return self.status.capitalize() if self.status else self.failure


DONE = Result()


class Sender:
    """Lives as long as its Lambda container, with its threads and a short memory of mailings."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.mailings = MailingMemory(outside)
        self._threads = ThreadPoolExecutor(outside.settings.sender_threads)

    def send_batch(self, records: Sequence[Record], seconds_left: Callable[[], float]) -> list[str]:
        """Work off a batch; answers with the ids of the records that are to come back."""
        read = {record: _read(record) for record in records}
        jobs = [job for job in read.values() if job is not None]
        self.outside.gateway.prepare()
        clients = self.outside.clients.get_many({job.client_id for job in jobs})
        batch = _Batch(self, clients, seconds_left)
        results = list(self._threads.map(batch.handle, jobs))
        unreadable = [record for record, job in read.items() if job is None]
        count({**Counter(result.metric for result in results if result.metric), "DeadLetters": len(unreadable)})
        self._count(jobs, results)
        self._put_aside(unreadable)
        return self._give_back(jobs, results)

    def _put_aside(self, unreadable: list[Record]) -> None:
        """What cannot be read will not be readable tomorrow: it is kept whole, for a person to see."""
        for record in unreadable:
            log.error("unreadable message put to the dead letters", extra={"body": record.body, "sqs_id": record.id})
            self.outside.dead_letters.send_raw(record.body)

    def _count(self, jobs: list[Job], results: list[Result]) -> None:
        """Counters are added once per mailing and batch; the last one to add asks for the recount."""
        gained: dict[int, Counts] = {}
        for job, result in zip(jobs, results, strict=True):
            if result.status:
                gained[job.mailing_id] = gained.get(job.mailing_id, Counts()) + Counts(**{result.status: 1})
        for mailing_id, counts in gained.items():
            mailing = self.outside.mailings.add_counts(mailing_id, counts, self.outside.clock.now())
            log.info("batch sent", extra={"mailing_id": mailing_id, "sent": counts.sent, "failed": counts.failed})
            if mailing is None:
                continue
            self.mailings.remember(mailing)
            if mailing.is_settled:
                recount.ask_recount(self.outside, mailing)

    def _give_back(self, jobs: list[Job], results: list[Result]) -> list[str]:
        back = {job.record: result.delay for job, result in zip(jobs, results, strict=True) if result.delay is not None}
        self.outside.send_queue.give_back({record.receipt: delay for record, delay in back.items()})
        return [record.id for record in back]


class MailingMemory:
    """Mailings as they were at most MAILING_LIFE ago: one read a second and mailing, not one a message."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._known: dict[int, tuple[datetime, Mailing | None]] = {}
        self._lock = Lock()

    def get(self, mailing_id: int) -> Mailing | None:
        now = self._outside.clock.now()
        with self._lock:
            read_at, mailing = self._known.get(mailing_id, (now - MAILING_LIFE, None))
            return mailing if now - read_at < MAILING_LIFE else self._read(mailing_id, now)

    def refreshed(self, mailing_id: int) -> Mailing | None:
        with self._lock:
            return self._read(mailing_id, self._outside.clock.now())

    def remember(self, mailing: Mailing) -> None:
        """As a write has just answered with it: the next batch need not read it."""
        with self._lock:
            self._known[mailing.id] = (self._outside.clock.now(), mailing)

    def _read(self, mailing_id: int, now: datetime) -> Mailing | None:
        mailing = self._outside.mailings.get(mailing_id)
        if len(self._known) >= MAILINGS_KNOWN:
            self._known.clear()
        self._known[mailing_id] = (now, mailing)
        return mailing


class _Batch:
    def __init__(self, sender: Sender, clients: dict[int, Client], seconds_left: Callable[[], float]) -> None:
        self.outside = sender.outside
        self.mailings = sender.mailings
        self.clients = clients
        self.seconds_left = seconds_left
        self.breaker = Breaker()

    def handle(self, job: Job) -> Result:
        """One message, in a thread of its own. An error of ours brings it back; the others go on."""
        try:
            return self._handle(job)
        except Exception:
            log.exception("message not handled", extra=_keys(job))
            return self._later(job, "SenderErrors")

    def _handle(self, job: Job) -> Result:
        client = self.clients.get(job.client_id)
        mailing = self.mailings.get(job.mailing_id)
        admission = admit(mailing, client, self.outside.clock.now())
        if admission != Admission.POST:  # never give up a message on the word of a memory
            mailing = self.mailings.refreshed(job.mailing_id)
            admission = admit(mailing, client, self.outside.clock.now())
        if mailing is None:
            return DONE
        match admission:
            case Admission.POST if client is not None:
                return self._attempt(job, mailing, client)
            case Admission.EXPIRE:
                return self._close(job, mailing, EXPIRED)
            case Admission.CANCEL:
                return self._close(job, mailing, CANCELLED, "The client was deleted." if client is None else None)
            case _:
                return Result(delay=WAIT_SECONDS)

    def _attempt(self, job: Job, mailing: Mailing, client: Client) -> Result:
        if self.breaker.is_open:
            return self._later(job, "HeldBack")
        now = self.outside.clock.now()
        remaining = self.seconds_left() - SECONDS_TO_SETTLE
        timeout = seconds_for_post(mailing, now, self.outside.settings.gateway_timeout, remaining)
        if timeout < min(LEAST_POST_SECONDS, self.outside.settings.gateway_timeout):
            return Result(delay=1)
        until = now + timedelta(seconds=timeout) + CLAIM_MARGIN
        shards = mailing.started_plan.shards
        message = self.outside.messages.claim(job.mailing_id, job.client_id, shards, now, until)
        if message is None:
            return self._not_ours(job, shards)
        answer = self.outside.gateway.post(message.id, client.phone_number, mailing.message_text, timeout)
        return self._settle(job, message, shards, read_answer(answer, self.outside.clock.now()))

    def _settle(self, job: Job, message: Message, shards: int, outcome: Outcome) -> Result:
        messages, now = self.outside.messages, self.outside.clock.now()
        if outcome.sent:
            self.breaker.succeeded()
            return Result(SENT if messages.settle(message, SENT, shards, now) else None)
        log.warning(outcome.reason, extra={"attempt": message.attempts, "retry": outcome.retryable, **_keys(job)})
        if not outcome.retryable:
            self.breaker.succeeded()
            return Result(FAILED if messages.settle(message, FAILED, shards, now, outcome.reason) else None)
        self.breaker.failed(for_good=outcome.our_fault)
        messages.release(message, shards, outcome.reason or "")
        return self._later(job, "GatewayRefusedToken" if outcome.our_fault else "Retried", outcome.retry_after)

    def _close(self, job: Job, mailing: Mailing, status: str, error: str | None = None) -> Result:
        shards = mailing.started_plan.shards
        now = self.outside.clock.now()
        if self.outside.messages.close(job.mailing_id, job.client_id, shards, status, now, error):
            return Result(status)
        return self._not_ours(job, shards)

    def _not_ours(self, job: Job, shards: int) -> Result:
        """Final, or gone: done with. In another attempt's hands: come back when that is surely over."""
        message = self.outside.messages.get(job.mailing_id, job.client_id, shards)
        now = self.outside.clock.now()
        if message is None or not message.is_claimed(now) or message.claimed_until is None:
            return DONE if message is None or message.is_final else Result(delay=1)
        return Result(delay=int(message.claimed_until - now.timestamp()) + 1)

    def _later(self, job: Job, failure: str, retry_after: float | None = None) -> Result:
        delay = retry_delay(job.record.receive_count, self.outside.clock.luck(), retry_after)
        return Result(delay=delay, failure=failure)


def _read(record: Record) -> Job | None:
    try:
        body = json.loads(record.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or any(type(body.get(name)) is not int for name in ("mailing", "client")):
        return None
    return Job(record, body["mailing"], body["client"])


def _keys(job: Job) -> dict[str, int]:
    return {
        "mailing_id": job.mailing_id,
        "client_id": job.client_id,
        "message_id": message_id(job.mailing_id, job.client_id),
    }
