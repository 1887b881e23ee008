"""Post a claimed message to the gateway, and decide what to record about the answer. Settling records it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.admission import Admission, admit, seconds_for_post
from ..domain.backoff import retry_delay
from ..domain.brake import NO_ANSWERS, NO_REFUSALS, refusals_of
from ..domain.client import Client
from ..domain.consent import MARKETING
from ..domain.gateway_posts import Post
from ..domain.mailing import Mailing
from ..domain.message import NO_ANSWER, UNKNOWN, Message, Settlement
from ..domain.outcome import Kind, Outcome
from ..domain.pace import Pace
from ..domain.sms import count_parts
from ..domain.template import filled_error, text_for
from ..gateways.port import Sms
from ..logs import log
from ..zones import zone
from .caches import ClientCache, MailingCache
from .channels import Channels
from .conclusion import answers_of, conclude, doubts_reason
from .opt_outs import opt_out
from .send_task import Result, SendTask
from .spending import Spending, charged, cost_of

if TYPE_CHECKING:
    from ..adapters.services import Services
    from .attempt import Attempt

SECONDS_TO_SETTLE = 5.0
"""Reserved at the end of an invocation for the writing of results. No post uses this time."""

MIN_POST_SECONDS = 1.0

READ_WITHIN = timedelta(seconds=1)
"""The longest time of the last reads before a post. They may return what is cached for a second: two seconds in all."""

MOST_ERRORS = 6
"""The delay after an error of the service stops growing at this number of deliveries, which is two minutes."""


@dataclass(frozen=True)
class Ended:
    """An attempt that has ended. `result` is its result when `settlement` is written. `at`: when it ended.

    `provider_id`: by which the provider is asked for the receipt of the message; empty: it is not.
    """

    task: SendTask
    settlement: Settlement
    result: Result
    at: datetime
    provider_id: str = ""


class Posting:
    """The posts of one batch. `channels` and `pace` belong to the sender and outlive the batch.

    `spending`: what the posts of the batch cost.
    `backlog`: for how many seconds the messages of the batch that came for the first time have waited.
    `posts`: those that have ended.
    """

    def __init__(
        self,
        services: Services,
        mailings: MailingCache,
        clients: ClientCache,
        channels: Channels,
        pace: Pace,
        spending: Spending,
        seconds_left: Callable[[], float],
        backlog: float = 0.0,
    ) -> None:
        self.services = services
        self.mailings = mailings
        self.clients = clients
        self.backlog = backlog
        self.channels = channels
        self.pace = pace
        self.spending = spending
        self.seconds_left = seconds_left
        self.posts: list[Post] = []

    def seconds_available(self, mailing: Mailing) -> float:
        """The longest timeout that a post of this mailing can have now."""
        remaining = self.seconds_left() - SECONDS_TO_SETTLE
        return seconds_for_post(mailing, self.services.clock.now(), self.services.settings.gateway_timeout, remaining)

    @property
    def seconds_needed(self) -> float:
        """The shortest timeout with which a post begins, based on the last posts.

        A post that is cut off on the way leaves its message in doubt.
        """
        return min(max(MIN_POST_SECONDS, self.pace.seconds_needed), self.services.settings.gateway_timeout)

    @property
    def longest_wait(self) -> float:
        """How long a claimed message may wait for a thread and for its turn, in seconds."""
        return self.seconds_needed + self.channels.longest_wait

    def post(self, attempt: Attempt, message: Message) -> Ended:
        """Post a message that this batch has claimed, at the time of its permit and of its turn."""
        was_posted = False
        try:
            if message.doubts > self.services.settings.most_doubts(message.gateway):  # the last attempt died
                return self._give_up(attempt, message)
            if not self.channels.await_turn(attempt):
                return self._ended(attempt, Settlement(message), self.channels.wait_for_turn(attempt))
            ended = self._post_or_give_back(attempt, message)
            was_posted = ended.result.was_posted and message.gateway == attempt.gateway
            return ended
        finally:
            self.channels.leave(attempt, was_posted)

    def retry_after_error(self, task: SendTask, error: Exception) -> Result:
        """The error is logged. The delay grows with the deliveries: the number of errors is not stored, nor higher."""
        log.error("message not handled", exc_info=error, extra=task.log_keys)
        errors = min(task.received.receive_count, MOST_ERRORS)
        return Result(delay=retry_delay(errors, self.services.clock.jitter()), failure="SenderErrors")

    def _give_up(self, attempt: Attempt, message: Message) -> Ended:
        reason = doubts_reason(message.doubts - 1, NO_ANSWER)
        result = Result(UNKNOWN, error=reason, timezone=message.timezone)
        return self._ended(attempt, Settlement(message, UNKNOWN, reason), result)

    def _post_or_give_back(self, attempt: Attempt, message: Message) -> Ended:
        """Decide once more before the post: the claim and the wait for a thread may have taken long.

        The post ends before the claim does. What slow reads return may be out of date: a pause, an opt-out and a new
        text apply within two seconds.
        """
        task = attempt.task
        if self.channels.holds(attempt, message):
            held = self.channels.hold_back(attempt.mailing.id, [message.gateway])
            return self._ended(attempt, Settlement(message), held)
        asked_at = self.services.clock.now()
        try:
            mailing, client = self.mailings.get(task.mailing_id), self.clients.get(task.client_id)
            day = self.spending.day()
            self.services.gateway.prepare(message.gateway)  # not between the decision and the post
        except Exception as error:  # nothing was posted: an open claim would say that the gateway may have the message
            return self._ended(attempt, Settlement(message), self.retry_after_error(task, error))
        now = self.services.clock.now()
        requires_consent = self.services.settings.require_consent
        decision = admit(mailing, client, now, zone, attempt.permit, True, requires_consent)
        if mailing is None or client is None or decision.admission != Admission.POST or now - asked_at > READ_WITHIN:
            return self._not_posted(attempt, message)
        if mailing.purpose == MARKETING and client.consent != message.consent_at:  # the claim has recorded another one
            return self._not_posted(attempt, message)
        text, claimed = text_for(mailing, client), (message.claimed_until or 0) - now.timestamp()
        timeout = min(attempt.timeout, self.seconds_available(mailing), claimed - SECONDS_TO_SETTLE)
        if timeout < self.seconds_needed or filled_error(text):
            return self._not_posted(attempt, message)
        parts = count_parts(text)
        priced = replace(message, parts=parts, cost=cost_of(self.services, parts, message.gateway))
        over_limit = self.spending.reserve(mailing, priced.cost, day)
        if over_limit is not None:
            return self._ended(attempt, Settlement(message), over_limit)
        return self._post(attempt, priced, client, text, timeout)

    def _post(self, attempt: Attempt, message: Message, client: Client, text: str, timeout: float) -> Ended:
        posted_at, mailing, name = self.services.clock.now(), attempt.mailing, message.gateway
        sender = mailing.sender or self.services.settings.gateway_by_name[name].sender
        lifetime = (mailing.datetime_end - posted_at).total_seconds()
        sms = Sms(message.id, client.phone_number, text, sender, lifetime)
        outcome = self.services.gateway.post(name, sms, timeout)
        answered_at = self.services.clock.now()
        milliseconds = (answered_at - posted_at).total_seconds() * 1000
        self.posts.append(Post(name, outcome.kind, milliseconds, answered_at))
        if outcome.is_answered:
            self.pace.record((answered_at - posted_at).total_seconds())
        posted = replace(message, posted_at=posted_at)
        leg = self.services.settings.routes.leg_of(client.operator_code, message, attempt.tried_at)
        self.channels.record(posted, outcome, leg.is_first, answered_at)
        self._log(attempt, message, outcome)
        if outcome.kind is Kind.OPTED_OUT and (error := opt_out(self.services, client.id, client.phone_number)):
            unsettled = Settlement(posted, None, outcome.reason)
            again = replace(self.retry_after_error(attempt.task, error), was_posted=True)
            return Ended(attempt.task, unsettled, again, answered_at)
        posted = charged(self.services, posted, outcome)
        if not (outcome.sent or outcome.in_doubt):
            self.spending.release(mailing, message.cost)
        elif posted.cost != message.cost:
            self.spending.release(mailing, message.cost - posted.cost)
        settlement, result = conclude(self.services, mailing, posted, outcome, self.backlog, leg)
        answers = answers_of(outcome) if leg.is_first and not leg.moves_on(outcome) else NO_ANSWERS
        refusals = refusals_of(outcome.kind) if leg.is_last else NO_REFUSALS
        result = replace(result, was_posted=True, milliseconds=round(milliseconds), answers=answers, refusals=refusals)
        result = replace(result, in_doubt=outcome.in_doubt)
        return Ended(attempt.task, settlement, result, answered_at, outcome.provider_id)

    def _not_posted(self, attempt: Attempt, message: Message) -> Ended:
        return self._ended(attempt, Settlement(message), Result(delay=1))

    def _ended(self, attempt: Attempt, settlement: Settlement, result: Result) -> Ended:
        return Ended(attempt.task, settlement, result, self.services.clock.now())

    def _log(self, attempt: Attempt, message: Message, outcome: Outcome) -> None:
        if not outcome.sent:
            extra = {"attempt": message.attempts, "retry": outcome.retryable, **attempt.task.log_keys}
            log.warning(str(outcome.reason), extra=extra)
