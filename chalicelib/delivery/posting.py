"""Post a claimed message to the gateway, and record the outcome in its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain.admission import seconds_for_post
from ..domain.backoff import retry_delay
from ..domain.breaker import Breaker
from ..domain.gateway_result import Outcome, read_answer
from ..domain.mailing import Mailing
from ..domain.message import FAILED, SENT, UNKNOWN, Message
from ..domain.pace import Pace
from ..errors import NotWritten
from ..logs import log
from ..retries import pause_before_retry
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

    def seconds_behind_others(self, mailing: Mailing) -> float:
        """The minimum delay of a retry: it waits behind the messages that wait for their first attempt.

        A mailing with a rate limit delays its messages by itself. At most half of the time before the end is spent.
        """
        if limits_of(self.services.settings, mailing) is not None:
            return 0.0
        return min(self.backlog, (mailing.datetime_end - self.services.clock.now()).total_seconds() / 2)

    def post(
        self, task: SendTask, message: Message, phone_number: str, text: str, timeout: float, least_delay: float = 0.0
    ) -> Result:
        """Post a message that this batch has claimed, and settle it. `timeout` and `least_delay` are in seconds.

        `least_delay`: the minimum delay of a retry.
        """
        posted_at = self.services.clock.now()
        answer = self.services.gateway.post(message.id, phone_number, text, timeout)
        answered_at = self.services.clock.now()
        self.latencies.append((answered_at - posted_at).total_seconds() * 1000)
        if answer.status is not None:
            self.pace.record((answered_at - posted_at).total_seconds())
        outcome = read_answer(answer, answered_at, self.services.settings.gateway_refuses_by_code)
        self._inform_breaker(message, outcome)
        result = self._settle(task, replace(message, posted_at=posted_at), outcome, least_delay)
        return replace(result, was_posted=True)

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

    def _settle(self, task: SendTask, message: Message, outcome: Outcome, least_delay: float) -> Result:
        messages = self.services.messages
        if not outcome.sent:
            extra = {"attempt": message.attempts, "retry": outcome.retryable, **task.log_keys}
            log.warning(str(outcome.reason), extra=extra)
        status = self._final_status(outcome)
        if status is None:
            self._write_with_retries(lambda: messages.end_claim(message, outcome.reason))
            failure = "GatewayRefusedToken" if outcome.our_fault else "Retried"
            least_delay = max(least_delay, outcome.retry_after or 0.0)
            delay = retry_delay(message.recent_attempts, self.services.clock.jitter(), least_delay)
            return Result(delay=delay, failure=failure)
        now = self.services.clock.now()
        is_settled = self._write_with_retries(lambda: messages.settle(message, status, now, outcome.reason))
        return Result(status if is_settled else None, posted_at=message.posted_at)

    def _final_status(self, outcome: Outcome) -> str | None:
        """Returns None if the message is to be posted again.

        That is safe if the gateway certainly does not have the message, or accepts each message id once.
        """
        if outcome.sent:
            return SENT
        if not outcome.retryable:
            return FAILED
        return UNKNOWN if outcome.in_doubt and not self.services.settings.gateway_dedupes else None

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
