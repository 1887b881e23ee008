"""Apply rate limits: queue messages get delays that spread them, and a sender takes permits for its posts in groups.

If neither the gateway nor the mailing has a limit, nothing is read or written and no message waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..domain import rate
from ..domain.mailing import Mailing
from ..domain.rate import GATEWAY, LOOKAHEAD, UNLIMITED, Booking, Bucket, Limits, Permit
from ..errors import RowChanged, TryAgain
from ..logs import log

if TYPE_CHECKING:
    from ..adapters.services import Services
    from ..settings import Settings

State = TypeVar("State", Bucket, Booking)
T = TypeVar("T")
Answer = tuple[tuple[Permit, ...], list[int | None]]
"""Permits, and the delays of the messages that get none."""

Turn = tuple[int, str]
"""The id of a mailing, and the name of a gateway; ANY under the mailing's own limit, if there are several gateways."""

ANY = ""
Kinds = Sequence[tuple[str, float]]
Left = tuple[deque[Permit], deque[int | None]]

LEAST_FALLBACK, LONGEST_FALLBACK = 5.0, 60.0
"""Seconds: a sender that loses every race for a row asks again after a random time between these."""


def limits_of(settings: Settings, mailing: Mailing, gateway: str | None = None) -> Limits | None:
    """Returns None if neither the gateway nor the mailing has a limit.

    Without a name: of all gateways together, but spare ones.
    """
    of_gateway = settings.total_rate if gateway is None else settings.gateway_by_name[gateway].rate
    if of_gateway is None and mailing.rate_limit is None:
        return None
    return Limits(of_gateway, mailing.rate_limit, gateway is not None and settings.routes.are_several)


def _limits_of_feed(settings: Settings, mailing: Mailing) -> Limits | None:
    """Beside a gateway without a limit a feed is for the gateways that have one: the messages of the other are queued.

    Without this limit each feed would queue all of them again, while a few are posted.
    """
    rates = [one.rate for one in settings.gateway_by_name.values() if one.rate is not None]
    return limits_of(settings, mailing) or (Limits(sum(rates), None) if rates else None)


def book_delays(services: Services, mailing: Mailing, number: int, is_feed: bool = False) -> list[int]:
    """The delays in seconds after which messages leave the queue, close to the time of their posts.

    There are fewer than `number` if the turn of the others is beyond the horizon, and none if too many workers book at
    the same time. Records the demand, so that the gateway's limit is shared with this mailing before its first post.
    """
    limits = (_limits_of_feed if is_feed else limits_of)(services.settings, mailing)
    if limits is None or not number:
        return [0] * number
    share = _share(services, mailing, limits.gateway, number) if limits.gateway is not None else 1.0
    delays = _change(
        services,
        Booking,
        _booking_name(mailing),
        lambda booking, now: rate.book_delays(booking, limits, number, now, share),
    )
    return delays or []


def postpone_booking(services: Services, mailing: Mailing, part: float) -> None:
    """If too many messages of this mailing wait for permits, the next ones leave the queue later.

    `part`: this worker's part of the correction.
    """
    limits = limits_of(services.settings, mailing)
    for kind, limit in limits.by_bucket_kind if limits else []:
        name = _bucket_name(services, mailing, kind, limit)
        clocks = _change(services, Bucket, name, lambda bucket, _now: (bucket, bucket.clocks_of(mailing.id)))
        if clocks is not None:
            _change(
                services,
                Booking,
                _booking_name(mailing),
                lambda booking, now, clocks=clocks: (rate.postponed(booking, clocks, now, part), None),  # type: ignore[misc]
            )


def seconds_booked(services: Services, mailing: Mailing) -> float:
    """How long the queue still has messages of this mailing that ask for the first time."""
    now = services.clock.now().timestamp()
    until = _change(services, Booking, _booking_name(mailing), lambda booking, _now: (booking, booking.until))
    return max(0.0, (until or 0.0) - now)


def forget_booking(services: Services, mailing: Mailing) -> None:
    """The queue has lost the messages of this mailing: the next ones are booked from now on."""
    _change(services, Booking, _booking_name(mailing), lambda _booking, _now: (Booking(), None))


def _booking_name(mailing: Mailing) -> str:
    return f"queue#{mailing.id}#booked"


def _share(services: Services, mailing: Mailing, limit: float, number: int) -> float:
    waiting = max(number, mailing.counts.queued)

    def request(bucket: Bucket, now: float) -> tuple[Bucket, float]:
        bucket = bucket.with_request(mailing.id, waiting, now)
        return bucket, bucket.share(mailing.id, now)

    return _change(services, Bucket, _bucket_name(services, mailing, GATEWAY, limit), request) or 1.0


def _bucket_name(services: Services, mailing: Mailing, kind: str, limit: float, gateway: str | None = None) -> str:
    """One of the buckets that divide this limit, at random: the senders spread over them.

    With several gateways each has buckets of its own, and without a name they are those of all together.
    """
    index = int(services.clock.jitter() * rate.buckets_of(limit))
    if kind != GATEWAY:
        return f"{kind}#{mailing.id}#{index}"
    is_one_of_many = gateway is not None and services.settings.routes.are_several
    return f"{GATEWAY}#{gateway}#{index}" if is_one_of_many else f"{GATEWAY}#{index}"


def _change(
    services: Services, kind: type[State], name: str, decide: Callable[[State, float], tuple[State, T]]
) -> T | None:
    """Returns None if too many others change the same row at the same time."""
    try:
        return services.rates.change(kind, name, lambda state: decide(state, services.clock.now().timestamp()))
    except RowChanged:
        return None


def _turns(limits: Limits, mailing: Mailing, gateway: str) -> list[tuple[Turn, Kinds]]:
    """The limits under which a post needs a permit. With one gateway a permit is under both limits."""
    kinds = limits.by_bucket_kind
    if not limits.is_one_of_several:
        return [((mailing.id, gateway), kinds)]
    return [((mailing.id, gateway if kind == GATEWAY else ANY), [(kind, limit)]) for kind, limit in kinds]


class Permits:
    """The permits of one batch. Only its main thread takes them.

    The batch takes permits only for the first LOOKAHEAD seconds, because a waiting sender costs as much as a working
    one. Messages without a permit return to the queue.
    """

    def __init__(self, services: Services, mailing_ids: Sequence[int], permits_per_request: int) -> None:
        """`mailing_ids` has an entry for each message of the batch."""
        self._services = services
        self._permits_per_request = permits_per_request
        self._left = {mailing_id: mailing_ids.count(mailing_id) for mailing_id in set(mailing_ids)}
        self._permits: dict[Turn, deque[Permit]] = {}
        self._delays: dict[Turn, deque[int | None]] = {}
        self._take_until = services.clock.now().timestamp() + LOOKAHEAD

    @property
    def are_limited(self) -> bool:
        """Whether the gateway has a limit, or a mailing that has asked for a permit."""
        return self._services.settings.has_gateway_rates or bool(self._permits)

    def next(self, mailing: Mailing, gateway: str) -> Permit | int | None:
        """Returns a permit, which may begin a moment later, or the seconds after which the message asks again.

        Returns None if it would ask much later: it leaves the queue and waits in its row.
        """
        limits = limits_of(self._services.settings, mailing, gateway)
        if limits is None:
            return UNLIMITED
        permit, most, own = UNLIMITED, self._permits_per_request, deque[Permit]()
        for turn, kinds in _turns(limits, mailing, gateway):
            permits, delays = self._left_under(turn, mailing, kinds, gateway, most)
            if not permits:
                self._left[mailing.id] -= 1
                own.appendleft(permit)
                return delays.popleft()
            permit, own = rate.later(permit, permits.popleft()), permits
            most = min(most, 1 + len(permits))
        self._left[mailing.id] -= 1
        return permit

    def put_back(self, mailing: Mailing, gateway: str, permit: Permit) -> None:
        """The permit was not used: another message of the batch can have it, and under the mailing's own limit this
        message too, at the next of several gateways. Otherwise one that takes no posts would use up the limit.
        """
        self._left[mailing.id] += self._services.settings.routes.are_several
        for turn in ((mailing.id, ANY), (mailing.id, gateway)):
            if turn in self._permits:
                self._permits[turn].appendleft(permit)

    def _left_under(self, turn: Turn, mailing: Mailing, kinds: Kinds, gateway: str, most: int) -> Left:
        """What is left of the last group, or of a new one of at most so many permits: one permit or delay at least."""
        permits, delays = self._permits.setdefault(turn, deque()), self._delays.setdefault(turn, deque())
        while permits and permits[0].until < self._services.clock.now().timestamp():
            permits.popleft()  # it expired while earlier posts ran
        if not permits and not delays:
            self._ask(turn, mailing, kinds, gateway, most)
        return permits, delays

    def _ask(self, turn: Turn, mailing: Mailing, kinds: Kinds, gateway: str, most: int) -> None:
        """Take a group of permits. If it is not complete, each message that gets none gets the time to ask again."""
        left = max(1, self._left[mailing.id])
        permits: Sequence[Permit] = [UNLIMITED] * min(left, most)
        delays: list[int | None] = []
        for kind, limit in kinds:
            name = _bucket_name(self._services, mailing, kind, limit, gateway)
            taken, booked = self._take(mailing, name, limit, len(permits), left - len(delays))
            permits = [rate.later(*pair) for pair in zip(permits, taken, strict=False)]
            delays += booked
        self._permits[turn].extend(permits)
        self._delays[turn].extend(delays)

    def _take(self, mailing: Mailing, name: str, limit: float, wanted: int, left: int) -> Answer:
        """Takes nothing if too many others take at the same time, if the table is throttled, fails or does not answer,
        or if the time of this batch is up. Then all of the batch asks later.

        `left`: how many messages of the batch have no permit and no delay. They get delays if permits are missing.
        """
        of_bucket = limit / rate.buckets_of(limit)

        def take(bucket: Bucket, now: float) -> tuple[Bucket, Answer]:
            bucket = bucket.with_request(mailing.id, mailing.counts.queued, now)
            due = wanted if now <= self._take_until else 0
            bucket, permits = rate.take_permits(bucket, mailing.id, of_bucket, due, now)
            missing = left - len(permits) if len(permits) < wanted else 0
            bucket, delays = rate.book_asks(bucket, mailing.id, of_bucket, missing, now)
            return bucket, (permits, delays)

        if not wanted:
            return (), []
        try:
            taken = _change(self._services, Bucket, name, take)
        except TryAgain:
            log.exception("no permits", extra={"mailing_id": mailing.id})
            taken = None
        return taken or ((), [self._fallback() for _ in range(left)])

    def _fallback(self) -> int:
        jitter = self._services.clock.jitter()
        return int(LEAST_FALLBACK + jitter * (LONGEST_FALLBACK - LEAST_FALLBACK))
