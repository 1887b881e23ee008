"""A mailing over time: samples of its counts, and what people see of them. No decision depends on it.

The sweep keeps a sample a minute of a mailing that makes progress. The counts of a mailing are the sum of all that
senders have counted, so a lost sample loses no message: the messages are shown in the minutes up to the next sample.
Between two samples messages are spread evenly, unless the mailing has paused between them or waited for local hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from .counts import NO_COUNTS, Counts
from .gateway_posts import NO_POSTS, RECENT, PostsByGateway
from .mailing import RUNNING, Mailing

MINUTE = timedelta(minutes=1)
RECENT_PROGRESS = timedelta(seconds=90)
"""A mailing whose last progress is older has no new counts since the last sweep."""

SAMPLES_AT_FULL_RATE = 120
"""For twice so many minutes a sample is kept each minute, then for so many each second one, then each third one, and so
on: a mailing of two months has about a thousand."""

IDLE_AFTER = timedelta(minutes=30)
"""A mailing without a sample for so long has made no progress: retries follow each other within 15 minutes."""

IDLE_PART = 24
"""The same of the age of a mailing: five times as long as until the next sample."""

IDLE_UNTIL = timedelta(days=7)
"""The age of a mailing. Later its samples are too rare to tell a pause."""

SHOWN = ("sent", "failed", "unknown", "expired", "cancelled")
MOST_BARS = 60
WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)
"""Minutes of a bar."""

RATE_OVER = timedelta(minutes=3)
"""The present rate is that of at least so long, if the mailing has made progress so long."""


@dataclass(frozen=True)
class Sample:
    """The counts at a moment. `posts` and `post_milliseconds`: how many posts were answered, and how long they took.

    `by_gateway`: as in the mailing. `is_restart`: where the mailing goes on after a time without progress.
    """

    at: datetime
    counts: Counts = NO_COUNTS
    posts: int = 0
    post_milliseconds: int = 0
    by_gateway: PostsByGateway = field(default_factory=dict, hash=False)
    is_restart: bool = False

    @property
    def done(self) -> int:
        """Messages with a final status."""
        return self.counts.total - self.counts.queued


@dataclass(frozen=True)
class Bar:
    """Messages that got a final status from `at` until the next bar, by status."""

    at: datetime
    numbers: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.numbers.values())


@dataclass(frozen=True)
class Chart:
    """`minutes`: the width of a bar."""

    minutes: int
    bars: list[Bar]

    @property
    def highest(self) -> int:
        return max((bar.total for bar in self.bars), default=0)


def needs_sample(mailing: Mailing, now: datetime) -> bool:
    """Asked once a minute. A longer mailing is sampled less often, so that the number of samples has a bound."""
    if mailing.plan is None or mailing.progress_at is None or now - mailing.progress_at > RECENT_PROGRESS:
        return False
    age = now - (mailing.posting_since or mailing.datetime_start)
    every = max(1, int(age / MINUTE) // SAMPLES_AT_FULL_RATE)
    return int(now.timestamp() // 60) % every == 0


def sample_of(mailing: Mailing, at: datetime) -> Sample:
    return Sample(at, mailing.counts, mailing.posts, mailing.post_milliseconds, mailing.by_gateway)


def course(mailing: Mailing, samples: Sequence[Sample], now: datetime, is_whole: bool = True) -> list[Sample]:
    """The samples between an empty one at the beginning and the present counts, with restarts. Empty before the start.

    `is_whole`: these are all samples, not the newest ones.
    """
    if mailing.plan is None:
        return []
    begins = samples[0].at - MINUTE if samples else mailing.posting_since or mailing.datetime_start
    begin = max(begins, mailing.datetime_start)
    last = mailing.ended_at or now
    known = [sample for sample in samples if begin < sample.at < last]
    points = [Sample(begin), *known, sample_of(mailing, max(last, begin + timedelta(seconds=1)))]
    return list(_with_restarts(points, begin if is_whole else mailing.datetime_start, mailing.posting_since or begin))


def _with_restarts(points: Sequence[Sample], began: datetime, posting_since: datetime) -> Iterator[Sample]:
    """What is counted after a time without progress was sent in the minute before, or since the mailing posts again."""
    yield from points[:2]
    for before, after in pairwise(points[1:]):
        age = after.at - began
        if age < IDLE_UNTIL and after.at - before.at > max(IDLE_AFTER, age / IDLE_PART):
            at = posting_since if after.at - MINUTE < posting_since < after.at else after.at - MINUTE
            yield replace(before, at=at, is_restart=True)
        yield after


def chart_of(points: Sequence[Sample]) -> Chart:
    """Bars of full minutes, hours or days in UTC, at most MOST_BARS and the one that has begun."""
    if not points:
        return Chart(1, [])
    begin, end = points[0].at, points[-1].at
    minutes = next((width for width in WIDTHS if (end - begin) / MINUTE <= MOST_BARS * width), None)
    if minutes is None:
        minutes = WIDTHS[-1] * -(-int((end - begin) / MINUTE) // (MOST_BARS * WIDTHS[-1]))
    width = minutes * 60
    first = int(begin.timestamp()) // width
    edges = [datetime.fromtimestamp(number * width, UTC) for number in range(first, int(end.timestamp()) // width + 2)]
    levels = [_levels(points, edge) for edge in edges]
    bars = [
        Bar(edge, {name: max(0, after[name] - before[name]) for name in SHOWN})
        for edge, (before, after) in zip(edges, pairwise(levels), strict=False)
    ]
    return Chart(minutes, bars)


def rate_of(points: Sequence[Sample]) -> float | None:
    """Messages a minute at the last of these samples. None if it is not known."""
    if len(points) < 2:
        return None
    last = points[-1]
    begins = (one for one in reversed(points[:-1]) if one.is_restart or last.at - one.at >= RATE_OVER)
    earlier = next(begins, points[0])
    passed = (last.at - earlier.at) / MINUTE
    return max(0, last.done - earlier.done) / passed if passed >= 0.1 else None


def expected_end(points: Sequence[Sample]) -> datetime | None:
    """When no message waits any more at the present rate. None if nothing is sent or nothing waits."""
    rate = rate_of(points)
    if not rate or points[-1].counts.queued <= 0:
        return None
    minutes = points[-1].counts.queued / rate
    return None if minutes > 10**6 else points[-1].at + minutes * MINUTE


def moved_ends(points: Sequence[Sample], most: int = 6) -> list[tuple[datetime, datetime]]:
    """At some earlier moments, the oldest first, which end was expected then."""
    counts = range(2, len(points))
    step = max(1, len(counts) // most)
    ends = [(points[number - 1].at, expected_end(points[:number])) for number in list(counts)[::step]]
    return [(at, end) for at, end in ends if end is not None]


def latency_of(points: Sequence[Sample]) -> int | None:
    """The mean time of a post in the last minutes, in milliseconds. None without posts."""
    for earlier in reversed(points[:-1]):
        posts = points[-1].posts - earlier.posts
        if posts > 0:
            return round((points[-1].post_milliseconds - earlier.post_milliseconds) / posts)
    return None


def recent_posts(mailing: Mailing, points: Sequence[Sample], now: datetime) -> tuple[datetime, PostsByGateway]:
    """The posts of the last minutes, and since when: since the last of the points, at least one, that is RECENT ago.

    A mailing that has just resumed has such a point from before its pause.
    """
    earlier = next((one for one in reversed(points) if now - one.at >= RECENT), points[0])
    since, posts = max(earlier.at, mailing.posting_since or earlier.at), points[-1].by_gateway
    return since, {name: posts[name].since(earlier.by_gateway.get(name, NO_POSTS)) for name in posts}


def is_moving(mailing: Mailing) -> bool:
    """Whether the rate and the expected end say something."""
    return mailing.status == RUNNING and mailing.plan is not None and mailing.counts.queued > 0


def _levels(points: Sequence[Sample], at: datetime) -> dict[str, int]:
    """The numbers by status at this moment, between the samples around it."""
    if at <= points[0].at:
        return dict.fromkeys(SHOWN, 0)
    for before, after in pairwise(points):
        if at <= after.at:
            part = (at - before.at) / (after.at - before.at)
            low, high = (sample.counts.by_status() for sample in (before, after))
            return {name: round(low[name] + part * (high[name] - low[name])) for name in SHOWN}
    found = points[-1].counts.by_status()
    return {name: found[name] for name in SHOWN}
