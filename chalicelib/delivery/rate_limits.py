"""Rate limits at work: who queues messages spreads them, and who posts them takes tokens by the handful.

Where neither the gateway nor the mailing has a limit, nothing is read, written or waited for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from ..domain import rate
from ..domain.mailing import Mailing
from ..domain.rate import LOOKAHEAD, UNLIMITED, Booking, Bucket, Limits, Permit
from ..errors import RowChanged

if TYPE_CHECKING:
    from ..adapters.services import Services
    from ..settings import Settings

State = TypeVar("State", Bucket, Booking)
T = TypeVar("T")

GATEWAY = "gateway"


def limits_of(settings: Settings, mailing: Mailing) -> Limits | None:
    """None where it goes as fast as the gateway takes it."""
    if settings.gateway_rate is None and mailing.rate_limit is None:
        return None
    return Limits(settings.gateway_rate, mailing.rate_limit)


def delays_of(services: Services, mailing: Mailing, number: int) -> list[int]:
    """In how many seconds each of so many messages is to come out of the queue: when it may be posted, about.

    Other mailings are told that this one wants tokens, before it asks for the first.
    """
    limits = limits_of(services.settings, mailing)
    if limits is None or not number:
        return [0] * number
    if limits.gateway is not None:
        _change(services, Bucket, GATEWAY, lambda bucket, now: (bucket.with_request(mailing.id, number, now), None))
    return _book(services, mailing.id, limits, number)


def _book(services: Services, mailing_id: int, limits: Limits, number: int) -> list[int]:
    """Where too many others book at this moment, the messages come at once, and are booked when they ask."""
    delays = _change(
        services, Booking, f"queue#{mailing_id}", lambda booking, now: rate.book_delays(booking, limits, number, now)
    )
    return [0] * number if delays is None else delays


def _change(
    services: Services, kind: type[State], name: str, decide: Callable[[State, float], tuple[State, T]]
) -> T | None:
    """None where too many others change it at this moment."""
    try:
        return services.rates.change(kind, name, lambda state: decide(state, services.clock.now().timestamp()))
    except RowChanged:
        return None


class Permits:
    """Of one batch: its threads take them one by one. Once there are none, the rest of it goes back to the queue.

    So it does after a second or so: a sender that waits for tokens costs as much as one that works.
    """

    def __init__(self, services: Services, mailing_ids: Sequence[int], handful: int) -> None:
        """`mailing_ids`: of each message in the batch. `handful`: tokens that are taken together."""
        self._services = services
        self._handful = handful
        self._left = {mailing_id: mailing_ids.count(mailing_id) for mailing_id in set(mailing_ids)}
        self._permits: dict[int, deque[Permit]] = {}
        self._delays: dict[int, deque[int]] = {}
        self._asks_until = services.clock.now().timestamp() + LOOKAHEAD
        self._lock = Lock()

    def next(self, mailing: Mailing) -> Permit | int:
        """A permit, perhaps for a moment soon to come; or in how many seconds the message is to ask again."""
        limits = limits_of(self._services.settings, mailing)
        if limits is None:
            return UNLIMITED
        with self._lock:
            permits = self._permits.setdefault(mailing.id, deque())
            delays = self._delays.setdefault(mailing.id, deque())
            while permits and permits[0].until < self._services.clock.now().timestamp():
                permits.popleft()  # the posts before it took long
            if not permits and not delays:
                self._ask(mailing, limits)
            self._left[mailing.id] -= 1
            return permits.popleft() if permits else max(1, delays.popleft())

    def _ask(self, mailing: Mailing, limits: Limits) -> None:
        """A handful; where it is not full, the moments to ask again for all who get none."""
        left = max(1, self._left[mailing.id])
        wanted = min(left, self._handful)
        permits = self._take(mailing, limits, wanted)
        self._permits[mailing.id].extend(permits)
        if len(permits) < wanted:
            self._delays[mailing.id].extend(_book(self._services, mailing.id, limits, left - len(permits)))

    def _take(self, mailing: Mailing, limits: Limits, wanted: int) -> tuple[Permit, ...]:
        """None where too many others take at this moment, or where this batch has waited long enough."""

        def taken(bucket: Bucket, now: float) -> tuple[Bucket, tuple[Permit, ...]]:
            bucket = bucket.with_request(mailing.id, mailing.counts.queued, now)
            return rate.take_permits(bucket, mailing.id, limits, wanted if now <= self._asks_until else 0, now)

        name = GATEWAY if limits.gateway is not None else f"mailing#{mailing.id}"
        return _change(self._services, Bucket, name, taken) or ()
