"""Post a claimed message to the gateway, and record the outcome in its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain.admission import seconds_for_post
from ..domain.backoff import delay_after_doubt, retry_delay
from ..domain.brake import NO_ANSWERS, Answers
from ..domain.breaker import Breaker
from ..domain.gateway_result import Answer, Outcome, read_answer
from ..domain.mailing import Mailing
from ..domain.message import FAILED, SENT, UNKNOWN, Message
from ..domain.pace import Pace
from ..errors import NotWritten
from ..logs import log
from ..retries import pause_before_retry
from ..texts import Text
from .rate_limits import limits_of
from .send_task import Result, SendTask

if TYPE_CHECKING:
    from ..adapters.services import Services

SECONDS_TO_SETTLE = 5.0
"""Reserved at the end of an invocation for the writing of results. No post uses this time."""

MIN_POST_SECONDS = 1.0

MIN_SECONDS_TO_WRITE = 1.0
"""The write of a result is retried while the invocation has more time than this left."""

MOST_ERRORS = 6
"""The delay after an error of the service stops growing at this number of deliveries, which is two minutes."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0


class Posting:
    """The posts of one batch. `breaker` and `pace` belong to the sender and outlive the batch.

    `backlog`: for how many seconds the messages of the batch that came for the first time have waited.
    `latencies`: how long each post took, in milliseconds.
    """

    def __init__(
        self,
        services: Services,
        breaker: Breaker,
        pace: Pace,
        seconds_left: Callable[[], float],
        backlog: float = 0.0,
    ) -> None:
        self.services = services
        self.backlog = backlog
        self.breaker = breaker
        self.pace = pace
        self.seconds_left = seconds_left
        self.latencies: list[float] = []

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

    def post(
        self, task: SendTask, mailing: Mailing, message: Message, phone_number: str, text: str, timeout: float
    ) -> Result:
        """Post a message that this batch has claimed, and settle it. `timeout` is in seconds."""
        posted_at = self.services.clock.now()
        answer = self.services.gateway.post(message.id, phone_number, text, timeout)
        answered_at = self.services.clock.now()
        self.latencies.append((answered_at - posted_at).total_seconds() * 1000)
        if answer.status is not None:
            self.pace.record((answered_at - posted_at).total_seconds())
        outcome = read_answer(answer, answered_at, self.services.settings.gateway_refuses_by_code)
        self._inform_breaker(message, outcome)
        result = self._settle(task, mailing, replace(message, posted_at=posted_at), outcome)
        answers = _answers(answer, outcome) if message.recent_attempts == 1 else NO_ANSWERS
        return replace(result, was_posted=True, answers=answers, in_doubt=outcome.in_doubt)

    def give_back(self, message: Message) -> Result:
        """End the claim of a message that is not posted. It is handled again soon."""
        self._write_with_retries(lambda: self.services.messages.end_claim(message, None))
        return Result(delay=1)

    def hold_back(self) -> Result:
        """The delay does not grow with the deliveries of the queue: the message was not posted."""
        now, jitter = self.services.clock.now(), self.services.clock.jitter()
        return Result(delay=self.breaker.seconds_to_hold(now, jitter), failure="HeldBack")

    def retry_after_error(self, task: SendTask) -> Result:
        """The delay grows with the deliveries. The number of errors is not stored, and it is not higher."""
        errors = min(task.received.receive_count, MOST_ERRORS)
        return Result(delay=retry_delay(errors, self.services.clock.jitter()), failure="SenderErrors")

    def _inform_breaker(self, message: Message, outcome: Outcome) -> None:
        if outcome.sent or not outcome.retryable:
            self.breaker.record_success()
            return
        self.breaker.record_failure(
            self.services.clock.now(),
            is_first=message.recent_attempts == 1,
            is_of_gateway=outcome.is_of_gateway,
            is_permanent=outcome.our_fault,
            reason=outcome.reason,
        )

    def _settle(self, task: SendTask, mailing: Mailing, message: Message, outcome: Outcome) -> Result:
        messages = self.services.messages
        if not outcome.sent:
            extra = {"attempt": message.attempts, "retry": outcome.retryable, **task.log_keys}
            log.warning(str(outcome.reason), extra=extra)
        status = self._final_status(message, outcome)
        if status is None:
            self._write_with_retries(lambda: messages.end_claim(message, outcome.reason, outcome.in_doubt))
            failure = "GatewayRefusedToken" if outcome.our_fault else "Retried"
            return Result(delay=self._retry_delay(mailing, message, outcome), failure=failure)
        now = self.services.clock.now()
        reason = outcome.reason if status != UNKNOWN else doubts_reason(message.doubts, outcome.reason)
        is_settled = self._write_with_retries(lambda: messages.settle(message, status, now, reason))
        return Result(status if is_settled else None, posted_at=message.posted_at)

    def _retry_delay(self, mailing: Mailing, message: Message, outcome: Outcome) -> int:
        """In seconds. A retry waits behind the messages that wait for their first attempt, and longer before the last
        attempts that may end in doubt.

        A mailing with a rate limit delays its messages by itself. At most half of the time before the end is spent.
        """
        settings, clock = self.services.settings, self.services.clock
        least = 0.0 if limits_of(settings, mailing) is not None else self.backlog
        if outcome.in_doubt:
            least = max(least, delay_after_doubt(settings.most_doubts - message.doubts))
        least = min(least, (mailing.datetime_end - clock.now()).total_seconds() / 2)
        return retry_delay(message.recent_attempts, clock.jitter(), max(least, outcome.retry_after or 0.0))

    def _final_status(self, message: Message, outcome: Outcome) -> str | None:
        """Returns None if the message is to be posted again.

        That is safe if the gateway certainly does not have the message, or accepts each message id once. A gateway may
        not do what the setting says, so the number of attempts that end in doubt has a limit.
        """
        if outcome.sent:
            return SENT
        if not outcome.retryable:
            return FAILED
        return UNKNOWN if outcome.in_doubt and message.doubts >= self.services.settings.most_doubts else None

    def _write_with_retries(self, write: Callable[[], bool]) -> bool:
        """Raises NotWritten when the time is up. Without this write the message is posted again or is in doubt."""
        number = 0
        while True:
            try:
                return write()
            except NotWritten:
                if self.seconds_left() - min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) < MIN_SECONDS_TO_WRITE:
                    raise
            pause_before_retry(self.services.clock, number, FIRST_PAUSE, LONGEST_PAUSE)
            number += 1


def doubts_reason(doubts: int, last: Text | None) -> Text | None:
    """Why a message is unknown after so many attempts in doubt. `last`: the reason of the last one."""
    return Text("message.doubts", number=doubts, last=last) if last is not None and doubts > 1 else last


def _answers(answer: Answer, outcome: Outcome) -> Answers:
    """A post that did not reach the gateway has no answer."""
    if answer.never_sent:
        return NO_ANSWERS
    return Answers(int(not outcome.in_doubt), int(outcome.in_doubt), int(outcome.is_off_contract))
