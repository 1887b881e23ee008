"""One message of a batch: may it go out, and if so: claim its row, post it, write down what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.admission import Admission, AdmissionDecision, admit, seconds_for_post
from ..domain.backoff import retry_delay
from ..domain.breaker import Breaker
from ..domain.client import Client
from ..domain.gateway_result import Outcome, read_answer
from ..domain.mailing import Mailing
from ..domain.message import CANCELLED, EXPIRED, FAILED, SENT, UNKNOWN, Message, MessageKey, message_id
from ..domain.pace import Pace
from ..domain.rate import UNLIMITED, Permit
from ..domain.template import NO_TEXT, text_for
from ..errors import NotWritten
from ..logs import log
from ..texts import Text
from ..zones import zone
from . import local_hours, reconcile
from .caches import ClientCache, MailingCache
from .rate_limits import Permits

if TYPE_CHECKING:
    from ..adapters.services import Services

SECONDS_TO_SETTLE = 5.0
"""Kept at the end of an invocation for writing results; a post never gets it."""

LEAST_POST_SECONDS = 1.0

SECONDS_AT_THE_LEAST = 1.0
"""A result that was not written is tried again for as long as the invocation has more than this left."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0

WAIT_SECONDS = 30
CLAIM_MARGIN = timedelta(seconds=SECONDS_TO_SETTLE)


@dataclass(frozen=True)
class ReceivedMessage:
    """A message of the send queue. `receive_count`: how often it has been received, from 1.

    `queued_at`: when it was put there, in epoch seconds.
    """

    id: str
    receipt_handle: str
    body: str
    receive_count: int
    queued_at: float | None = None


@dataclass(frozen=True)
class SendTask:
    record: ReceivedMessage
    mailing_id: int
    client_id: int


@dataclass(frozen=True)
class Result:
    """`status`: the final status this batch gave it. `delay`: seconds until it is to come back; None: done.

    `asks_again`: it comes back, but because its rate had no token for it, and so as a new message of the queue.
    `failure`: the metric that counts why it comes back. `posted_at`: when its post began, if there was one.
    """

    status: str | None = None
    delay: int | None = None
    asks_again: bool = False
    failure: str | None = None
    posted_at: datetime | None = None

    @property
    def metric(self) -> str | None:
        return self.status.capitalize() if self.status else self.failure


DONE = Result()


@dataclass(frozen=True)
class Shared:
    """What the batches of one sender share as long as it lives."""

    mailings: MailingCache
    breaker: Breaker
    pace: Pace


class Posting:
    """The messages of one batch, each in a thread of its own; what they share lives as long as the sender."""

    def __init__(
        self,
        services: Services,
        shared: Shared,
        clients: ClientCache,
        permits: Permits,
        seconds_left: Callable[[], float],
    ) -> None:
        self.services = services
        self.mailings = shared.mailings
        self.breaker = shared.breaker
        self.pace = shared.pace
        self.clients = clients
        self.permits = permits
        self.seconds_left = seconds_left
        self.latencies: list[float] = []

    def handle(self, job: SendTask) -> Result:
        """One message, in a thread of its own. An error of ours brings it back; the others go on."""
        try:
            return self._handle(job)
        except Exception:
            log.exception("message not handled", extra=_keys(job))
            return self._later(job, "SenderErrors")
        finally:
            self.clients.done_with(job.client_id)

    def _handle(self, job: SendTask) -> Result:
        client = self.clients.get(job.client_id)
        mailing = self.mailings.get(job.mailing_id)
        tried = self._is_tried(job, mailing)
        decision = self._decide(mailing, client, tried)
        if decision.admission != Admission.POST:  # never give up a message on the word of a memory
            mailing = self.mailings.refreshed(job.mailing_id)
            decision = self._decide(mailing, client, tried)
        if mailing is None:
            return DONE
        match decision.admission:
            case Admission.POST if client is not None:
                return self._attempt(job, mailing, client, tried)
            case Admission.OUTSIDE_HOURS if client is not None:
                return self._await_hours(job, mailing, client, decision.opens_at)
            case Admission.EXPIRE:
                return self._close(job, mailing, EXPIRED)
            case Admission.CANCEL:
                return self._close(job, mailing, CANCELLED, decision.reason)
            case Admission.HOLD:
                return DONE
            case _:
                return Result(delay=self._seconds_until(decision.opens_at))

    def _decide(
        self, mailing: Mailing | None, client: Client | None, tried: bool, permit: Permit = UNLIMITED
    ) -> AdmissionDecision:
        return admit(mailing, client, self.services.clock.now(), zone, permit, tried)

    def _is_tried(self, job: SendTask, mailing: Mailing | None) -> bool:
        """Only a canary that is out asks for it; any other mailing's messages cost no read."""
        if mailing is None or mailing.plan is None or not mailing.awaits_canary:
            return False
        message = self.services.messages.get(mailing.message_key(job.client_id))
        return message is not None and message.attempts > 0

    def _goes_first(self, mailing_id: int) -> bool:
        """A place among the canary is taken right before the first claim: whatever keeps a message back costs none."""
        mailing = self.services.mailings.let_go(mailing_id, self.services.clock.now())
        if mailing is not None:
            self.mailings.remember(mailing)
        return mailing is not None

    def _seconds_until(self, opens_at: datetime | None) -> int:
        if opens_at is None:
            return WAIT_SECONDS
        return max(1, int((opens_at - self.services.clock.now()).total_seconds()) + 1)

    def _await_hours(self, job: SendTask, mailing: Mailing, client: Client, opens_at: datetime | None) -> Result:
        """The row waits alone, under the clock that the client lives by now."""
        self.services.messages.await_hours(mailing.message_key(job.client_id), client.timezone)
        local_hours.see_to_releases(self.services, mailing, [opens_at] if opens_at else [])
        return DONE

    def _attempt(self, job: SendTask, mailing: Mailing, client: Client, tried: bool) -> Result:
        text = text_for(mailing, client)
        if not text.strip():
            return self._close(job, mailing, FAILED, NO_TEXT)
        timeout = self._seconds_for_post(mailing)
        if timeout < self._least_seconds:
            return Result(delay=1)
        permit = self.permits.next(mailing)
        if isinstance(permit, int):
            return Result(delay=permit, asks_again=True)
        now = self.services.clock.now()
        if not self.breaker.admits(now, timedelta(seconds=timeout)):
            return self._later(job, "HeldBack", self.breaker.seconds_until_probe(now))
        if mailing.awaits_canary and not tried and not self._goes_first(mailing.id):
            return DONE
        begins_at = max(now, datetime.fromtimestamp(permit.at, UTC))
        until = begins_at + timedelta(seconds=timeout) + CLAIM_MARGIN
        key = mailing.message_key(job.client_id)
        message = self.services.messages.claim(key, now, until)
        if message is None:
            return self._not_ours(key)
        self.services.clock.sleep_until(permit.at)
        return self._post(job, message, text, permit, timeout)

    def _post(self, job: SendTask, message: Message, text: str, permit: Permit, timeout: float) -> Result:
        """All is looked at once more: claiming may have taken long."""
        mailing, client = self.mailings.get(job.mailing_id), self.clients.get(job.client_id)
        is_admitted = self._decide(mailing, client, True, permit).admission == Admission.POST
        timeout = min(timeout, self._seconds_for_post(mailing)) if mailing else 0
        if client is None or not is_admitted or timeout < self._least_seconds:
            self.services.messages.release_claim(message, None)
            return Result(delay=1)
        posted_at = self.services.clock.now()
        answer = self.services.gateway.post(message.id, client.phone_number, text, timeout)
        answered_at = self.services.clock.now()
        self.latencies.append((answered_at - posted_at).total_seconds() * 1000)
        if answer.status is not None:
            self.pace.record((answered_at - posted_at).total_seconds())
        return self._settle(job, replace(message, posted_at=posted_at), read_answer(answer, answered_at))

    def _seconds_for_post(self, mailing: Mailing) -> float:
        remaining = self.seconds_left() - SECONDS_TO_SETTLE
        return seconds_for_post(mailing, self.services.clock.now(), self.services.settings.gateway_timeout, remaining)

    @property
    def _least_seconds(self) -> float:
        """A post that is cut off on its way leaves doubt: it is not begun with less time than posts have needed."""
        return min(max(LEAST_POST_SECONDS, self.pace.seconds_needed), self.services.settings.gateway_timeout)

    def _settle(self, job: SendTask, message: Message, outcome: Outcome) -> Result:
        messages = self.services.messages
        if outcome.sent or not outcome.retryable:
            self.breaker.record_success()
        else:
            self.breaker.record_failure(self.services.clock.now(), is_permanent=outcome.our_fault)
        if not outcome.sent:
            log.warning(
                str(outcome.reason), extra={"attempt": message.attempts, "retry": outcome.retryable, **_keys(job)}
            )
        status = self._final_status(outcome)
        if status is None:
            self._insist(lambda: messages.release_claim(message, outcome.reason))
            return self._later(job, "GatewayRefusedToken" if outcome.our_fault else "Retried", outcome.retry_after)
        now = self.services.clock.now()
        is_settled = self._insist(lambda: messages.settle(message, status, now, outcome.reason))
        return Result(status if is_settled else None, posted_at=message.posted_at)

    def _final_status(self, outcome: Outcome) -> str | None:
        """None: it is tried again, which is safe when the gateway surely has nothing, or takes an id only once."""
        if outcome.sent:
            return SENT
        if not outcome.retryable:
            return FAILED
        return UNKNOWN if outcome.in_doubt and not self.services.settings.gateway_dedupes else None

    def _insist(self, write: Callable[[], bool]) -> bool:
        """What became of a post is worth many tries: unwritten, it would be posted again or be in doubt."""
        pause = FIRST_PAUSE
        while True:
            try:
                return write()
            except NotWritten:
                if self.seconds_left() - pause < SECONDS_AT_THE_LEAST:
                    raise
            self.services.clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _close(self, job: SendTask, mailing: Mailing, status: str, error: Text | None = None) -> Result:
        key = mailing.message_key(job.client_id)
        if self.services.messages.close(key, status, self.services.clock.now(), error):
            return Result(status)
        return self._not_ours(key)

    def _not_ours(self, key: MessageKey) -> Result:
        """Final, or gone: done with. In another attempt's hands: come back when that is surely over."""
        message = self.services.messages.get(key)
        now = self.services.clock.now()
        if message is None or message.is_final:
            return DONE
        if message.is_in_doubt(now) and not self.services.settings.gateway_dedupes:
            is_new = self.services.messages.doubt(key, now, reconcile.NO_WORD)
            return Result(UNKNOWN if is_new else None)
        return Result(delay=max(1, int((message.claimed_until or 0) - now.timestamp()) + 1))

    def _later(self, job: SendTask, failure: str, retry_after: float | None = None) -> Result:
        delay = retry_delay(job.record.receive_count, self.services.clock.jitter(), retry_after)
        return Result(delay=delay, failure=failure)


def _keys(job: SendTask) -> dict[str, int]:
    return {
        "mailing_id": job.mailing_id,
        "client_id": job.client_id,
        "message_id": message_id(job.mailing_id, job.client_id),
    }
