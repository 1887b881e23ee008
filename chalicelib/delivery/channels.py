"""What a sender process has learned about each gateway: whether it may post there, and how fast."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.adaptive_rate import LONGEST_WAIT, AdaptiveRate
from ..domain.breaker_report import Opening
from ..domain.breakers import Breakers
from ..domain.message import Message
from ..domain.outcome import Kind, Outcome
from ..texts import Text
from .send_task import Result

if TYPE_CHECKING:
    from ..adapters.services import Services
    from .attempt import Attempt


@dataclass(frozen=True)
class Channel:
    breakers: Breakers = field(default_factory=Breakers)
    rate: AdaptiveRate = field(default_factory=AdaptiveRate)


class Channels:
    """One for each gateway. They outlive the batches of the sender, and its threads share them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._clock = services.clock
        self._of = {name: Channel() for name in services.settings.routes.names}

    @property
    def longest_wait(self) -> float:
        """How long a claimed message may wait for its turn, in seconds."""
        return max(channel.rate.longest_wait for channel in self._of.values())

    def failure(self, mailing_id: int, gateways: Iterable[str]) -> Text | None:
        """Why all these gateways hold posts of the mailing back, as a text for people; None if one does not."""
        failures = [self._of[name].breakers.failure(mailing_id) for name in gateways]
        return failures[-1] if all(failures) else None

    def openings(self) -> dict[str, Opening | None]:
        """Which breakers are open, by the name of the gateway."""
        return {name: channel.breakers.opening for name, channel in self._of.items()}

    def admits(self, attempt: Attempt) -> bool:
        """Whether the breakers admit the post. `has_room` follows."""
        mailing, breakers = attempt.mailing, self._of[attempt.gateway].breakers
        if self._services.settings.routes.is_one_that_dedupes:  # otherwise the last post may have no answer
            breakers.learn_of_success(mailing.id, mailing.last_post_at)
        probe = timedelta(seconds=attempt.timeout)
        return breakers.admits(mailing.id, self._clock.now(), probe, attempt.task.received.id)

    def has_room(self, attempt: Attempt) -> bool:
        """Whether an admitted post may wait for its turn: `leave` follows. If it may not, its admission ends."""
        if self._of[attempt.gateway].rate.admits():
            return True
        self._leave_breakers(attempt, was_posted=False)
        return False

    def leave(self, attempt: Attempt, was_posted: bool = False) -> None:
        """The post has ended, or does not begin. `was_posted`: through the gateway of the attempt."""
        self._of[attempt.gateway].rate.leave()
        self._leave_breakers(attempt, was_posted)

    def await_turn(self, attempt: Attempt) -> bool:
        """Sleep until the post may begin. Returns False if that is too late: then no turn is used up.

        The rate may be halved during the sleep. Then the post takes a new turn.
        """
        clock, permit, rate = self._clock, attempt.permit, self._of[attempt.gateway].rate
        latest = min(permit.until, max(clock.now().timestamp(), permit.at) + LONGEST_WAIT)
        while turn := rate.turn(max(clock.now().timestamp(), permit.at), latest):
            clock.sleep_until(turn.at)
            if rate.is_valid(turn):
                return True
        return False

    def wait_for_turn(self, attempt: Attempt) -> Result:
        rate, deliveries = self._of[attempt.gateway].rate, attempt.task.received.receive_count
        return Result(delay=rate.seconds_to_return(deliveries, self._clock.jitter()), failure="HeldBack")

    def hold_back(self, mailing_id: int, gateways: Iterable[str]) -> Result:
        """The delay does not grow with the deliveries of the queue: the message was not posted."""
        now, jitter = self._clock.now(), self._clock.jitter()
        delay = min(self._of[name].breakers.seconds_to_hold(mailing_id, now, jitter) for name in gateways)
        return Result(delay=delay, failure="HeldBack")

    def holds(self, attempt: Attempt, message: Message) -> bool:
        """Whether a breaker has opened since. A message in doubt is posted to its gateway, which admitted nothing."""
        breakers = self._of[message.gateway].breakers
        if message.gateway != attempt.gateway:
            return breakers.failure(message.mailing_id) is not None
        return breakers.holds(message.mailing_id, attempt.task.received.id)

    def record(self, message: Message, outcome: Outcome, is_first: bool, answered_at: datetime) -> None:
        """`message`: as claimed, with its `posted_at`. `is_first`: its first attempt at this gateway."""
        channel, posted_at = self._of[message.gateway], message.posted_at or answered_at
        channel.breakers.record(message.mailing_id, outcome, answered_at, is_first)
        if outcome.kind is Kind.THROTTLED:
            channel.rate.record_refusal(posted_at.timestamp(), answered_at.timestamp())
        elif outcome.sent:
            channel.rate.record_success(answered_at.timestamp())

    def _leave_breakers(self, attempt: Attempt, was_posted: bool) -> None:
        breakers, now = self._of[attempt.gateway].breakers, self._clock.now()
        breakers.leave(attempt.mailing.id, now, attempt.task.received.id, was_posted)
