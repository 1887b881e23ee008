"""Decide about one message of a batch: post it, close it, keep it waiting or return it to the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.admission import Admission, AdmissionDecision, admit
from ..domain.client import Client
from ..domain.expiry import ExpiryCauses, expiry_reason, hours_at_the_end
from ..domain.mailing import Mailing
from ..domain.message import CANCELLED, EXPIRED, FAILED, UNKNOWN, Message, MessageKey
from ..domain.rate import UNLIMITED, Permit
from ..domain.template import filled_error, text_for
from ..logs import log
from ..texts import Text
from ..zones import zone
from . import local_hours
from .caches import ClientCache, MailingCache
from .posting import SECONDS_TO_SETTLE, Posting, doubts_reason
from .rate_limits import Permits, limits_of
from .repairs import NO_ANSWER
from .send_task import DONE, Result, SendTask

if TYPE_CHECKING:
    from ..adapters.services import Services

WAIT_SECONDS = 30
READ_WITHIN = timedelta(seconds=1)
"""The longest time of the last reads before a post. They may return what is cached for a second: two seconds in all."""

CLAIM_MARGIN = timedelta(seconds=SECONDS_TO_SETTLE)


class TaskHandler:
    """Handles the tasks of one batch, each in its own thread."""

    def __init__(
        self, services: Services, mailings: MailingCache, clients: ClientCache, permits: Permits, posting: Posting
    ) -> None:
        self.services = services
        self.mailings = mailings
        self.clients = clients
        self.permits = permits
        self.posting = posting

    def handle(self, task: SendTask) -> Result:
        """An unexpected error is logged, and this task is repeated later. The other tasks continue."""
        try:
            return self._handle(task)
        except Exception:
            log.exception("message not handled", extra=task.log_keys)
            return self.posting.retry_after_error(task)
        finally:
            self.clients.done_with(task.client_id)

    def _handle(self, task: SendTask) -> Result:
        client = self.clients.get(task.client_id)
        mailing = self.mailings.get(task.mailing_id)
        tried = self._is_tried(task, mailing)
        decision = self._decide(mailing, client, tried)
        if decision.admission != Admission.POST:  # the cached mailing may be out of date
            mailing = self.mailings.refresh(task.mailing_id)
            decision = self._decide(mailing, client, tried)
        if mailing is None:
            return DONE
        match decision.admission:
            case Admission.POST if client is not None:
                return self._attempt(task, mailing, client, tried)
            case Admission.OUTSIDE_HOURS if client is not None:
                return self._await_hours(task, mailing, client, decision.opens_at)
            case Admission.EXPIRE if client is not None:
                return self._close(task, mailing, EXPIRED, self._expiry_reason(mailing, client))
            case Admission.CANCEL:
                return self._close(task, mailing, CANCELLED, decision.reason)
            case Admission.HOLD:
                return DONE
            case _:
                return Result(delay=self._seconds_until(decision.opens_at))

    def _decide(
        self, mailing: Mailing | None, client: Client | None, tried: bool, permit: Permit = UNLIMITED
    ) -> AdmissionDecision:
        return admit(mailing, client, self.services.clock.now(), zone, permit, tried)

    def _is_tried(self, task: SendTask, mailing: Mailing | None) -> bool:
        """Whether the message was claimed before. Reads the row only while the canary is open."""
        if mailing is None or mailing.plan is None or not mailing.awaits_canary:
            return False
        message = self.services.messages.get(mailing.message_key(task.client_id))
        return message is not None and message.attempts > 0

    def _admit_to_canary(self, mailing_id: int) -> bool:
        """Called right before the first claim, so that a message that is not posted uses no place of the canary."""
        now = self.services.clock.now()
        mailing = self.services.mailings.admit_to_canary(mailing_id, now)
        if mailing is not None:
            self.mailings.put(mailing, now)
        return mailing is not None

    def _seconds_until(self, opens_at: datetime | None) -> int:
        if opens_at is None:
            return WAIT_SECONDS
        return max(1, int((opens_at - self.services.clock.now()).total_seconds()) + 1)

    def _await_hours(self, task: SendTask, mailing: Mailing, client: Client, opens_at: datetime | None) -> Result:
        """The row waits for the hours of the client's current time zone, without a queue message."""
        self.services.messages.await_hours(mailing.message_key(task.client_id), client.timezone)
        local_hours.schedule_releases(self.services, mailing, [opens_at] if opens_at else [])
        return DONE

    def _attempt(self, task: SendTask, mailing: Mailing, client: Client, tried: bool) -> Result:
        """Claim the message and post it, if time, rate limit, breaker and canary allow it."""
        if error := filled_error(text_for(mailing, client)):
            return self._close(task, mailing, FAILED, error)
        timeout = self.posting.seconds_available(mailing)
        if timeout < self.posting.seconds_needed:
            return Result(delay=1)
        if mailing.feed and self._is_done(mailing.message_key(task.client_id)):
            return DONE
        permit = self.permits.next(mailing)
        if not isinstance(permit, Permit):
            return Result(delay=permit, awaits_feed=permit is None)
        breaker = self.posting.breaker
        if self.services.settings.gateway_dedupes:  # otherwise the last post may have no answer
            breaker.learn_of_success(mailing.last_post_at)
        if not breaker.admits(mailing.id, self.services.clock.now(), timedelta(seconds=timeout)):
            self.permits.put_back(mailing, permit)
            return self.posting.hold_back()
        was_posted = False
        try:
            if mailing.awaits_canary and not tried and not self._admit_to_canary(mailing.id):
                return DONE
            result = self._claim_and_post(task, mailing, permit, timeout)
            was_posted = result.was_posted
            return result
        finally:
            breaker.leave(mailing.id, self.services.clock.now(), was_posted)

    def _is_done(self, key: MessageKey) -> bool:
        """Whether the message is final. A feed queues some messages twice, and each would take a permit in vain."""
        message = self.services.messages.get(key)
        return message is None or message.is_final

    def _claim_and_post(self, task: SendTask, mailing: Mailing, permit: Permit, timeout: float) -> Result:
        now = self.services.clock.now()
        begins_at = max(now, datetime.fromtimestamp(permit.at, UTC))
        until = begins_at + timedelta(seconds=timeout) + CLAIM_MARGIN
        key = mailing.message_key(task.client_id)
        message = self.services.messages.claim(key, now, until)
        if message is None:
            self.permits.put_back(mailing, permit)
            return self._after_lost_claim(key)
        if message.doubts > self.services.settings.most_doubts:  # the last attempt died, this claim is one more
            return self._give_up(message, now)
        self.services.clock.sleep_until(permit.at)
        return self._post(task, message, permit, timeout)

    def _give_up(self, message: Message, now: datetime) -> Result:
        reason = doubts_reason(message.doubts - 1, NO_ANSWER)
        is_settled = self.services.messages.settle(message, UNKNOWN, now, reason)
        return Result(UNKNOWN if is_settled else None)

    def _post(self, task: SendTask, message: Message, permit: Permit, timeout: float) -> Result:
        """Decide once more before the post: the claim may have taken long. The post ends before the claim does.

        What slow reads return may be out of date: a pause, an opt-out and a new text apply within two seconds.
        """
        asked_at = self.services.clock.now()
        mailing, client = self.mailings.get(task.mailing_id), self.clients.get(task.client_id)
        is_admitted = self._decide(mailing, client, True, permit).admission == Admission.POST
        now = self.services.clock.now()
        if mailing is None or client is None or not is_admitted or now - asked_at > READ_WITHIN:
            return self.posting.give_back(message)
        claimed = (message.claimed_until or 0) - now.timestamp()
        timeout = min(timeout, self.posting.seconds_available(mailing), claimed)
        text = text_for(mailing, client)
        if timeout < self.posting.seconds_needed or filled_error(text):
            return self.posting.give_back(message)
        return self.posting.post(task, mailing, message, client.phone_number, text, timeout)

    def _close(self, task: SendTask, mailing: Mailing, status: str, error: Text | None = None) -> Result:
        key = mailing.message_key(task.client_id)
        if self.services.messages.close(key, status, self.services.clock.now(), error):
            return Result(status)
        return self._after_lost_claim(key)

    def _expiry_reason(self, mailing: Mailing, client: Client) -> Text:
        is_limited = limits_of(self.services.settings, mailing) is not None
        causes = ExpiryCauses(is_limited, self.posting.breaker.failure)
        return expiry_reason(mailing, client.timezone, hours_at_the_end(mailing, zone), causes)

    def _after_lost_claim(self, key: MessageKey) -> Result:
        """If another attempt has claimed the message, this task is repeated after that claim. Otherwise it is done."""
        message = self.services.messages.get(key)
        now = self.services.clock.now()
        if message is None or message.is_final:
            return DONE
        if message.is_in_doubt(now) and not self.services.settings.gateway_dedupes:
            is_new = self.services.messages.mark_unknown(key, now, NO_ANSWER)
            return Result(UNKNOWN if is_new else None)
        return Result(delay=max(1, int((message.claimed_until or 0) - now.timestamp()) + 1))
