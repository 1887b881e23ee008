"""A simulation of a mailing of any size, second by second. Clients are numbers, and messages are counted.

The plan, the walk with its cursors, the permits, the bookings and the backoff are the service's own code. AWS is a
model (aws_limits.py), and so are the time of a Lambda (lambda_time.py) and what workers and senders get of throttled
partitions (contention.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bench.lambda_time import ASKING, AWS_SECONDS, BATCH, CPU_TO_CREATE, batch_seconds, computing
from chalicelib.delivery import queueing
from chalicelib.delivery.fanout import CHUNK
from chalicelib.delivery.queueing import PAGE
from chalicelib.domain.audience import Plan, plan_audience
from chalicelib.domain.backoff import retry_delay
from chalicelib.domain.cost import POSTED
from chalicelib.domain.filter import ALL_CLIENTS
from chalicelib.domain.rate import Booking, Bucket, Limits, book_asks, book_delays, buckets_of, postponed, take_permits
from infra.local.doubles.partition import COLD_READS, PARTITION_WRITES

from .aws_limits import ACCOUNT_EXECUTIONS, IN_FLIGHT, Feed, Table
from .contention import Flow, flow
from .simulated_fan_out import FanOut
from .simulated_queue import SendQueue
from .statements import Load

CALLS_PER_PAGE = 3 + CHUNK // 25 + queueing.CHUNK // 10
"""Successive calls: eight threads make the other calls of a page at the same time."""

PAGE_SECONDS = computing("run_jobs", CPU_TO_CREATE * PAGE) + AWS_SECONDS * CALLS_PER_PAGE
"""The time of one walker for a page without throttling."""

WRITES_TO_POST = 2
"""A claim and a settlement."""

MAILING_ROW_UNITS = 2
"""Each page and each batch changes the counts of the mailing. All these writes go to one key, of over 1 KB."""

LEAST_SHARE = 0.95
"""Of the pages without throttling. With fewer the table is named as the limit."""

JITTERS = [(index + 0.5) / 8 for index in range(8)]
FEED_SECONDS = 60
"""The sweep wakes the feeds of mailings with rate limits."""

HORIZON = 3_600
"""Seconds. With a rate limit the simulation ends after an hour, and the rest is assumed to keep its later pace."""


@dataclass(frozen=True)
class Scenario:
    """`deciding`: the seconds that a worker takes to decide about a page of clients, if the mailing has a condition.

    `warm_writes` and `warm_reads` are the warm throughput of the messages and clients tables, 0 for new tables.

    `senders` is the most that run at once, `latency` the gateway's in seconds, `failing` the part of posts to retry.
    """

    clients: int
    warm_writes: int = 0
    warm_reads: int = 0
    senders: int = 4
    latency: float = 0.05
    rate: float | None = None
    failing: float = 0.01
    deciding: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """Times are seconds since the start. `slowest_page`: the longest time of a page in one invocation.

    `returned`: jobs that a throttled page returned, as a part of the pages, while the table was busiest. `stalled` is
    the longest time in which messages waited and none was posted.
    """

    plan: Plan
    fanned_out: float
    fan_out_bound_by: str
    sent: float
    sending_bound_by: str
    slowest_page: float
    returned: float
    most_in_flight: int
    stalled: int


class Simulation:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.plan = plan_audience(ALL_CLIENTS, scenario.clients)
        self.fan_out = FanOut(self.plan)
        self.queue = SendQueue()
        self.table = Table(scenario.warm_writes)
        self.limits = Limits(scenario.rate, None) if scenario.rate else None
        self.buckets = [Bucket()] * buckets_of(scenario.rate or 0.0)
        self.booking, self.in_rows = Booking(), 0
        self.walkers, self.senders = Feed(), Feed(scenario.senders)
        self.sender_pace = BATCH / batch_seconds(scenario.latency)
        self.fanned, self.sent, self.now = 0, 0, 0
        self.fan_out_bounds: Counter[str] = Counter()
        self.sending_bounds: Counter[str] = Counter()
        self.slowest_page, self.returned, self.most_in_flight = PAGE_SECONDS, 0.0, 0
        self.flows: dict[tuple[int, bool], Flow] = {}

    def run(self) -> Outcome:
        fanned_at, silent, stalled = 0, 0, 0
        sent_at: list[int] = []
        while self.sent < self.scenario.clients:
            self.second()
            fanned_at = fanned_at or (self.now if not self.fan_out.slices_left else 0)
            silent = 0 if sent_at and self.sent > sent_at[-1] else silent + 1
            stalled = max(stalled, silent)
            sent_at.append(self.sent)
            if self.limits and fanned_at and self.now >= HORIZON:
                break
        left, half = self.scenario.clients - self.sent, HORIZON // 2
        more = left * half / (sent_at[-1] - sent_at[-half - 1]) if left else 0.0
        fan_out_bound_by, sending_bound_by = (
            bounds.most_common(1)[0][0] for bounds in (self.fan_out_bounds, self.sending_bounds)
        )
        return Outcome(
            self.plan, fanned_at, fan_out_bound_by, self.now + more, sending_bound_by,
            self.slowest_page, self.returned, self.most_in_flight, stalled,
        )  # fmt: skip

    def second(self) -> None:
        self.now += 1
        self.queue.release_due(self.now)
        if self.limits and self.now % FEED_SECONDS == 0 and not self.fan_out.slices_left:
            self.booking = postponed(self.booking, self.buckets[0].clocks_of(1), self.now)
            self._feed()
        walkers = min(self.walkers.executions(self.now), self.fan_out.slices_left)
        senders = min(self.senders.executions(self.now), ACCOUNT_EXECUTIONS - walkers)
        unthrottled = walkers / (PAGE_SECONDS + self.scenario.deciding)
        taken = self._flow(bool(walkers))
        pages = min(unthrottled, taken.rows / PAGE)
        posts, bound_by = self._posts_wanted(senders, pages)
        takes = self.table.takes(self.plan.shards)
        self.table.note(PAGE * unthrottled + WRITES_TO_POST * posts, self.plan.shards)
        throttle = "the table's writes" if takes == self.table.writes else "the fullest partition"
        if walkers:
            alone = "slices" if walkers == self.fan_out.slices_left else "Lambda's ramp"
            self._walk(pages, throttle if pages < LEAST_SHARE * unthrottled else alone)
            self.slowest_page = max(self.slowest_page, taken.slowest_page)
            self.returned = max(self.returned, taken.returned)
        if taken.posts < LEAST_SHARE * min(posts, self.scenario.rate or posts):
            posts, bound_by = taken.posts, throttle
        self._send(senders, int(posts), bound_by, taken.refused)

    def _flow(self, has_walkers: bool) -> Flow:
        """What the table takes of all walkers and senders together."""
        most, scenario = self.scenario.senders * self.sender_pace, self.scenario
        key = self.table.writes, has_walkers
        if key in self.flows:
            return self.flows[key]
        load = Load(
            shards=self.plan.shards,
            writes=self.table.writes,
            walkers=self.plan.slices if has_walkers else 0,
            senders=scenario.senders,
            posts=min(most, scenario.rate or most),
        )
        self.flows[key] = flow(load)
        return self.flows[key]

    def _walk(self, pages: float, bound_by: str) -> None:
        found = self.fan_out.walk(pages)
        self.fanned += found
        self.fan_out_bounds[bound_by] += 1
        if self.limits:
            self.in_rows += found
            self._feed()
        else:
            self.queue.add(self.now + 1, [0] * found)

    def _feed(self) -> None:
        """Queue messages that wait in their rows, as far as the horizon, as the service does for each page."""
        assert self.limits is not None
        self.booking, delays = book_delays(self.booking, self.limits, self.in_rows, self.now)
        self.in_rows -= len(delays)
        self.queue.add(self.now + 1, delays)

    def _posts_wanted(self, senders: int, pages: float) -> tuple[float, str]:
        """The posts of this second without throttling, and what limits them."""
        ceilings = {
            "senders": senders * self.sender_pace,
            "reads of clients": max(self.scenario.warm_reads, COLD_READS) / POSTED.reads,
            "the mailing's row": BATCH * (PARTITION_WRITES / MAILING_ROW_UNITS - pages),
            "in flight": max(0, IN_FLIGHT - self.queue.in_flight) * self.sender_pace / BATCH,
            "fan-out" if self.fan_out.slices_left else "waiting": self.queue.visible.total(),
        }
        bound_by = min(ceilings, key=lambda name: ceilings[name])
        return ceilings[bound_by], bound_by

    def _send(self, senders: int, posts: int, bound_by: str, refused: float) -> None:
        """`refused`: messages whose claim the table refuses, as a part of the posts. They return to the queue."""
        if self.limits:
            posts, bound_by = self._permits(senders, posts, bound_by)
        unposted = refused / (1 + refused)
        failing = unposted + (1 - unposted) * self.scenario.failing
        for receives, number in self.queue.receive(int(posts * (1 + refused))).items():
            failed = round(number * failing)
            self.sent += number - failed
            delays = [retry_delay(receives, JITTERS[index % len(JITTERS)]) for index in range(failed)]
            self.queue.give_back(self.now, receives, delays)
        self.sending_bounds[bound_by] += 1
        self.most_in_flight = max(self.most_in_flight, self.queue.in_flight + senders * BATCH)

    def _permits(self, senders: int, posts: int, bound_by: str) -> tuple[int, str]:
        """Take permits for posts. Messages without one are given back or wait in rows, as far as senders have time."""
        permits, number = 0, len(self.buckets)
        limit = (self.scenario.rate or 0.0) / number
        for index, bucket in enumerate(self.buckets):
            wanted = (posts + index) // number
            bucket = bucket.with_request(1, self.fanned - self.sent, self.now)
            self.buckets[index], taken = take_permits(bucket, 1, limit, wanted, self.now)
            permits += len(taken)
        time_left = (senders * self.sender_pace - permits) / ASKING
        returned = self.queue.receive(int(max(0, min(time_left, self.queue.visible.total() - permits))))
        for number_of_posts, asking in returned.items():
            for index, bucket in enumerate(self.buckets):
                self.buckets[index], booked = book_asks(bucket, 1, limit, (asking + index) // number, self.now)
                delays = [delay for delay in booked if delay is not None]
                self.queue.give_back(self.now, number_of_posts - 1, delays)
                self.in_rows += len(booked) - len(delays)
        return permits, "the gateway's rate" if permits < posts else bound_by
