"""What goes on: mailings under way, the next starts, why messages failed lately, the gateways, the queue.

The number of calls has a bound that grows with no table: some thirty, most of them for the mailings under way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..delivery.balances import known_balances
from ..delivery.spending import DaySpending
from ..domain.approval import COUNTING
from ..domain.balance import Balance
from ..domain.breaker_report import BreakerReport
from ..domain.mailing import PAUSED, SCHEDULED, Mailing
from ..domain.reasons import COUNTED, Reason
from ..domain.series import ACTIVE, Series
from ..domain.silence import longest_silence
from ..domain.spending import Day
from ..domain.timeline import Sample, is_moving
from ..errors import TryAgain
from .failures import failures_of
from .gateway_health import Health, health_of
from .listing import END_OF_TIME, list_mailings, read_mailings
from .series import list_series
from .timeline import Timeline, newest_points, present_of

if TYPE_CHECKING:
    from ..adapters.queues import Queue
    from ..adapters.services import Services

MOST_UNDER_WAY = 10
MOST_READ = 100
"""Of the mailings that are open, so many of the newest are looked at."""

MOST_STARTS = 5
MOST_REASONS = 10
NEWEST_MAILINGS, NEWEST_SERIES = 50, 50
LATELY = timedelta(hours=24)
SILENT_AFTER = timedelta(minutes=10)
"""A mailing that may send and makes no progress for so long is worth a look."""


@dataclass(frozen=True)
class Start:
    """The next start of a mailing or of a series. `path`: of its page in the console."""

    at: datetime
    text: str
    path: str


@dataclass(frozen=True)
class GatewaysNow:
    """`last_post_at`: when a mailing under way, or the one that was last, posted. `latency`: of the last minutes, in
    milliseconds. `silent_for`: how long no mailing that may send has made progress. `balances`: as they were last told.
    `breakers`: by the name of each gateway, what senders have told of it; None if they have told nothing.
    `open`: the names of those whose breaker is open. `health`: of each gateway, if there are several.
    """

    last_post_at: datetime | None
    latency: int | None
    silent_for: timedelta | None
    balances: list[Balance]
    breakers: dict[str, BreakerReport | None]
    open: frozenset[str]
    health: Health | None

    @property
    def is_silent(self) -> bool:
        return self.silent_for is not None and self.silent_for >= SILENT_AFTER


@dataclass(frozen=True)
class QueueNow:
    """`messages`: None if SQS did not answer. `age`: how long the message had waited that was counted last; None while
    nothing is sent. Mailings with a rate limit are left out: their messages wait on purpose.
    """

    messages: int | None
    dead_letters: int | None
    age: timedelta | None


@dataclass(frozen=True)
class Overview:
    """`under_way`: at most MOST_UNDER_WAY of `number`. `failures`: of the mailings that made progress lately.

    `paused`: by the service itself, or until a second person approves them. `today`: what all texts have cost; read
    only if there is a daily budget.
    """

    under_way: list[tuple[Mailing, Timeline]]
    number: int
    starts: list[Start]
    failures: list[tuple[Reason, int]]
    gateways: GatewaysNow
    queue: QueueNow
    paused: list[Mailing]
    today: Day

    @property
    def is_well(self) -> bool:
        """Nothing needs a person."""
        low = any(balance.is_low for balance in self.gateways.balances)
        failed = any(reason.status in ("failed", "unknown") for reason, _ in self.failures)
        gateways = self.gateways
        return not (self.paused or failed or low or gateways.is_silent or gateways.open or self.queue.dead_letters)


def overview(services: Services) -> Overview:
    now = services.clock.now()
    active = sorted(services.mailings.active_ids(now), reverse=True)
    found = read_mailings(services, active[:MOST_READ])
    started = [mailing for mailing in found if mailing.is_open and mailing.status != SCHEDULED]
    newest, _ = list_mailings(services, None, NEWEST_MAILINGS)
    points = {one.id: newest_points(services, one) for one in started[:MOST_UNDER_WAY] if is_moving(one)}
    under_way = [(mailing, present_of(mailing, points.get(mailing.id, ()))) for mailing in started[:MOST_UNDER_WAY]]
    lately = {mailing.id: mailing for mailing in [*newest, *started] if _was_active(mailing, now)}
    return Overview(
        under_way,
        len(started) + len(active[MOST_READ:]),
        _starts(services, now),
        _failures(services, list(lately.values())),
        _gateways(services, list(lately.values()), [one for _, one in under_way], points, now),
        QueueNow(_size(services.send_queue), _size(services.dead_letters), _age(started, now)),
        [mailing for mailing in started if _waits_for_person(mailing, now)][:MOST_UNDER_WAY],
        DaySpending(services).now(),
    )


def _waits_for_person(mailing: Mailing, now: datetime) -> bool:
    """To be resumed or approved. A mailing that is held only until its clients are counted goes on by itself."""
    is_paused = mailing.status == PAUSED and mailing.paused_because is not None
    return is_paused and mailing.approval != COUNTING and not mailing.is_over(now)


def _was_active(mailing: Mailing, now: datetime) -> bool:
    moments = (mailing.progress_at, mailing.last_post_at, mailing.ended_at)
    return mailing.plan is not None and any(moment is not None and now - moment < LATELY for moment in moments)


def _starts(services: Services, now: datetime) -> list[Start]:
    """Of the newest series only those are looked at that a page shows."""
    mailings = read_mailings(services, services.mailings.scheduled_ids(now, END_OF_TIME, MOST_STARTS))
    series, _ = list_series(services, None, NEWEST_SERIES)
    found = [_start(mailing.datetime_start, mailing, f"mailings/{mailing.id}") for mailing in mailings]
    found += [_start(one.starts_at, one.mailing, f"series/{one.id}") for one in series if _goes_on(one)]
    return sorted(found, key=lambda start: start.at)[:MOST_STARTS]


def _start(at: datetime, mailing: Mailing, path: str) -> Start:
    return Start(at, mailing.message_text, path)


def _goes_on(series: Series) -> bool:
    return series.status == ACTIVE and not series.is_over


def _failures(services: Services, mailings: list[Mailing]) -> list[tuple[Reason, int]]:
    """Of the mailings with most such messages."""
    most = sorted(mailings, key=lambda mailing: -sum(getattr(mailing.counts, status) for status in COUNTED))
    found: Counter[Reason] = Counter()
    for mailing in most[:MOST_UNDER_WAY]:
        found.update(dict(failures_of(services, mailing)))
    return found.most_common(MOST_REASONS)


def _gateways(
    services: Services,
    lately: list[Mailing],
    paces: list[Timeline],
    points: Mapping[int, Sequence[Sample]],
    now: datetime,
) -> GatewaysNow:
    last_post_at = max((one.last_post_at for one in lately if one.last_post_at), default=None)
    latencies = [pace.latency for pace in paces if pace.latency is not None]
    silent_for = longest_silence([one for one in lately if one.is_open], now)
    breakers = {name: services.breaker_reports.read(name) for name in services.settings.routes.names}
    is_open = frozenset(name for name, report in breakers.items() if report and report.is_open(now))
    latency = max(latencies, default=None)
    health = health_of(services, lately, points, now)
    return GatewaysNow(last_post_at, latency, silent_for, known_balances(services), breakers, is_open, health)


def _age(started: list[Mailing], now: datetime) -> timedelta | None:
    waits = [
        one.progress_at - one.reached_at
        for one in started
        if one.progress_at and one.reached_at and one.rate_limit is None and now - one.progress_at < SILENT_AFTER
    ]
    return max([timedelta(), *waits]) if waits else None


def _size(queue: Queue) -> int | None:
    try:
        return queue.size()
    except TryAgain:
        return None
