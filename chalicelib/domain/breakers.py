"""The circuit breakers of a sender: one of the gateway, and one of each mailing whose sender name it refuses.

A mailing may have a sender name of its own, so a refused name must hold no other mailing back. It may also be refused
for the numbers of one operator only, so the breaker of the mailing opens after a run of refusals, not after one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ..texts import Text
from .breaker import Breaker
from .breaker_report import Opening
from .outcome import Kind, Outcome


class Breakers:
    """The threads of one sender process share them. The methods are those of `Breaker`, for a post of a mailing."""

    def __init__(self) -> None:
        self._of_gateway = Breaker()
        self._of_mailings: dict[int, Breaker] = {}  # only of those with a refused sender name

    def failure(self, mailing_id: int) -> Text | None:
        """Why posts of this mailing are held back, as a text for people; None if they are not."""
        return next((failure for one in self._of(mailing_id) if (failure := one.failure)), None)

    @property
    def opening(self) -> Opening | None:
        """Of the breaker of the gateway: a refused sender name is the matter of its mailing, which pauses for it."""
        return self._of_gateway.opening

    def admits(self, mailing_id: int, now: datetime, probe: timedelta, by: str = "") -> bool:
        """Whether both breakers admit the post. `leave` follows each admission."""
        of_mailing = self._of_mailings.get(mailing_id)
        if of_mailing is not None and not of_mailing.admits(mailing_id, now, probe, by):
            return False
        if self._of_gateway.admits(mailing_id, now, probe, by):
            return True
        if of_mailing is not None:
            of_mailing.leave(mailing_id, now, by)
        return False

    def holds(self, mailing_id: int, by: str) -> bool:
        return any(one.holds(mailing_id, by) for one in self._of(mailing_id))

    def leave(self, mailing_id: int, now: datetime, by: str = "", was_posted: bool = False) -> None:
        for one in self._of(mailing_id):
            one.leave(mailing_id, now, by, was_posted)

    def seconds_to_hold(self, mailing_id: int, now: datetime, jitter: float) -> int:
        return max(one.seconds_to_hold(now, jitter) for one in self._of(mailing_id))

    def learn_of_success(self, mailing_id: int, posted_at: datetime | None) -> None:
        """A post of this mailing by any sender began at this time and succeeded."""
        for one in self._of(mailing_id):
            one.learn_of_success(posted_at)

    def record(self, mailing_id: int, outcome: Outcome, now: datetime, is_first: bool) -> None:
        """`is_first`: of the message's first attempt.

        A gateway that refuses a message or a sender name works. Only an accepted message shows that the name is
        accepted: a wrong number may be refused before anybody looks at the name.
        """
        if outcome.kind is Kind.SENDER:
            of_mailing = self._of_mailings.setdefault(mailing_id, Breaker(posts_per_mailing=0))
            of_mailing.record_failure(now, is_first=is_first, reason=outcome.reason)
        elif outcome.sent and mailing_id in self._of_mailings:
            self._of_mailings[mailing_id].record_success()
        if outcome.kind is Kind.SENDER or not outcome.retryable:
            self._of_gateway.record_success()
            return
        self._of_gateway.record_failure(
            now,
            is_first=is_first,
            is_of_gateway=outcome.is_of_gateway,
            is_permanent=outcome.is_of_account,
            reason=outcome.reason,
        )

    def _of(self, mailing_id: int) -> list[Breaker]:
        of_mailing = self._of_mailings.get(mailing_id)
        return [self._of_gateway] if of_mailing is None else [of_mailing, self._of_gateway]
