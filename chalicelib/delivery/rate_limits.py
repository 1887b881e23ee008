"""Apply rate limits: queue messages get delays that spread them, and a sender takes permits for its posts in groups.

If neither the gateway nor the mailing has a limit, nothing is read or written and no message waits.
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
    """Returns None if neither the gateway nor the mailing has a limit."""
    if settings.gateway_rate is None and mailing.rate_limit is None:
        return None
    return Limits(settings.gateway_rate, mailing.rate_limit)


def delays_of(services: Services, mailing: Mailing, number: int) -> list[int]:
    """The delays in seconds after which `number` messages leave the queue, close to the time of their posts.

    Records the demand, so that the gateway's limit is shared with this mailing before its first post.
    """
    limits = limits_of(services.settings, mailing)
    if limits is None or not number:
        return [0] * number
    if limits.gateway is not None:
        _change(services, Bucket, GATEWAY, lambda bucket, now: (bucket.with_request(mailing.id, number, now), None))
    return _book(services, mailing.id, limits, number)


def _book(services: Services, mailing_id: int, limits: Limits, number: int) -> list[int]:
    """If too many workers book at the same time, the delays are 0, and the sender books when it gets no permit."""
    delays = _change(
        services, Booking, f"queue#{mailing_id}", lambda booking, now: rate.book_delays(booking, limits, number, now)
    )
    return [0] * number if delays is None else delays


def _change(
    services: Services, kind: type[State], name: str, decide: Callable[[State, float], tuple[State, T]]
) -> T | None:
    """Returns None if too many others change the same item at the same time."""
    try:
        return services.rates.change(kind, name, lambda state: decide(state, services.clock.now().timestamp()))
    except RowChanged:
        return None


class Permits:
    """The permits of one batch, shared by its threads.

    The batch takes permits only for the first LOOKAHEAD seconds, because a waiting sender costs as much as a working
    one. Messages without a permit return to the queue.
    """

    def __init__(self, services: Services, mailing_ids: Sequence[int], permits_per_request: int) -> None:
        """`mailing_ids` has an entry for each message of the batch."""
        self._services = services
        self._permits_per_request = permits_per_request
        self._left = {mailing_id: mailing_ids.count(mailing_id) for mailing_id in set(mailing_ids)}
        self._permits: dict[int, deque[Permit]] = {}
        self._delays: dict[int, deque[int]] = {}
        self._take_until = services.clock.now().timestamp() + LOOKAHEAD
        self._lock = Lock()

    def next(self, mailing: Mailing) -> Permit | int:
        """Returns a permit, which may begin a moment later, or the seconds after which the message asks again."""
        limits = limits_of(self._services.settings, mailing)
        if limits is None:
            return UNLIMITED
        with self._lock:
            permits = self._permits.setdefault(mailing.id, deque())
            delays = self._delays.setdefault(mailing.id, deque())
            while permits and permits[0].until < self._services.clock.now().timestamp():
                permits.popleft()  # it expired while earlier posts ran
            if not permits and not delays:
                self._ask(mailing, limits)
            self._left[mailing.id] -= 1
            return permits.popleft() if permits else max(1, delays.popleft())

    def _ask(self, mailing: Mailing, limits: Limits) -> None:
        """Take a group of permits. If it is not complete, book a delay for each message that gets none."""
        left = max(1, self._left[mailing.id])
        wanted = min(left, self._permits_per_request)
        permits = self._take(mailing, limits, wanted)
        self._permits[mailing.id].extend(permits)
        if len(permits) < wanted:
            self._delays[mailing.id].extend(_book(self._services, mailing.id, limits, left - len(permits)))

    def _take(self, mailing: Mailing, limits: Limits, wanted: int) -> tuple[Permit, ...]:
        """Takes nothing if too many others take at the same time, or if the time of this batch is up."""

        def take_from_bucket(bucket: Bucket, now: float) -> tuple[Bucket, tuple[Permit, ...]]:
            bucket = bucket.with_request(mailing.id, mailing.counts.queued, now)
            return rate.take_permits(bucket, mailing.id, limits, wanted if now <= self._take_until else 0, now)

        name = GATEWAY if limits.gateway is not None else f"mailing#{mailing.id}"
        return _change(self._services, Bucket, name, take_from_bucket) or ()
