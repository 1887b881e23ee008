"""Workers and senders that write to the same partitions for some minutes: what they get, and how long they wait.

Each batch of a worker and each of its pauses is played, with the service's own rule for throttled parts. The statements
of senders are amounts, not events: their throttled part waits by the same rule.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from functools import cache
from random import Random

from bench.lambda_time import AWS_SECONDS, CPU_TO_CALL, CPU_TO_CREATE, computing
from chalicelib.adapters.tables.batches import BACKOFF, WRITES
from chalicelib.delivery.fanout import CHUNK
from chalicelib.delivery.jobs import LONGEST_PAUSE as LONGEST_RETURN
from chalicelib.delivery.queueing import PAGE, SECONDS_FOR_A_PAGE
from chalicelib.domain.backoff import retry_delay
from infra.local.doubles.partition import PARTITION_WRITES, Units

from .aws_limits import homes_of_shards
from .statements import TICK, Load, SenderWrites

RETRIES = (0.5, 1.0, 2.0)
"""Mean seconds of botocore's pauses before it repeats a throttled call, in its standard mode with four attempts."""

TURN_SECONDS = 60
"""The timeout of run_jobs."""

AFTER_ROWS = AWS_SECONDS * (3 + 2)
"""Cursor, counts and rate, then two SendMessageBatch of each thread."""


@dataclass(frozen=True)
class Flow:
    """`rows` and `posts` a second. `slowest_page`: the most seconds of a page in one invocation, written or not.

    `returned`: pages whose job was returned, as a part of the written pages. `refused`: claims that are still throttled
    when their time is over, as a part of the posts.
    """

    rows: float
    posts: float
    slowest_page: float
    returned: float
    refused: float


@dataclass
class Chunk:
    """The rows of one thread, as the partitions that get them. `untried` rows are the last ones.

    `refused`: tries of a batch of which nothing was written. AWS answers with an error, which botocore repeats itself.
    """

    rows: list[int]
    untried: int = 0
    throttled: int = 0
    refused: int = 0
    deadline: float = 0.0


@dataclass
class Walker:
    first_row: int
    receives: int = 1
    turn_began: float = 0.0
    page_began: float = 0.0
    computes_until: float = 0.0
    chunks: list[Chunk] = field(default_factory=list)
    running: int = 0
    has_failed: bool = False


class Contention:
    def __init__(self, load: Load, seed: int = 1) -> None:
        self.load = load
        self.random = Random(seed)  # noqa: S311
        self.homes = homes_of_shards(load.shards, load.writes // PARTITION_WRITES)
        self.units = [Units(PARTITION_WRITES) for _ in range(max(self.homes) + 1)]
        self.walkers = [Walker(number * 250_000) for number in range(load.walkers)]
        self.events: list[tuple[float, int, int]] = []
        self.pages: list[float] = []
        self.returns: list[float] = []
        self.tries: list[float] = []
        self.sender_writes = SenderWrites(load, self.units, self.homes)

    def run(self, seconds: float, warm_up: float) -> Flow:
        for number in range(len(self.walkers)):
            self._begin_page(number, self.random.random())
        tick = TICK if self.load.senders else seconds
        while (now := min(tick, self.events[0][0] if self.events else seconds)) < seconds:
            if now < tick:
                self._call(*heapq.heappop(self.events))
                continue
            if now - TICK < warm_up <= now:
                self.sender_writes.posted = self.sender_writes.refused = 0.0
            self.sender_writes.tick(now)
            tick += TICK
        return self._flow(seconds, warm_up)

    def _begin_page(self, number: int, now: float) -> None:
        walker = self.walkers[number]
        if now - walker.turn_began > TURN_SECONDS - SECONDS_FOR_A_PAGE:
            walker.turn_began, walker.receives = now, walker.receives + 1
        walker.page_began = now
        if not walker.has_failed:
            ids = range(walker.first_row, walker.first_row + PAGE)
            rows = [self.homes[client_id % self.load.shards] for client_id in ids]
            walker.chunks = [Chunk(rows[start : start + CHUNK]) for start in range(0, PAGE, CHUNK)]
            for chunk in walker.chunks:
                chunk.untried = len(chunk.rows)
        walker.has_failed, walker.running = False, 0
        for index, chunk in enumerate(walker.chunks):
            if chunk.rows:
                chunk.deadline, chunk.throttled = now + BACKOFF.seconds, 0
                walker.running += 1
                heapq.heappush(self.events, (now, number, index))

    def _call(self, now: float, number: int, index: int) -> None:
        """One BatchWriteItem of one thread. Threads compute one after the other."""
        walker = self.walkers[number]
        if walker.computes_until > now:
            heapq.heappush(self.events, (walker.computes_until, number, index))
            return
        chunk = walker.chunks[index]
        batch = chunk.rows[:WRITES]
        new = max(0, len(batch) - (len(chunk.rows) - chunk.untried))
        chunk.untried -= new
        walker.computes_until = now + computing("run_jobs", CPU_TO_CALL + CPU_TO_CREATE * new)
        left = [home for home in batch if not self.units[home].take(1, now)]
        for home in left:
            self.sender_writes.missed[home] += 1
        chunk.rows = left + chunk.rows[WRITES:]
        answered = walker.computes_until + AWS_SECONDS
        if len(left) == len(batch) and chunk.refused < len(RETRIES):
            pause = 2 * RETRIES[chunk.refused] * self.random.random()
            chunk.refused += 1
            heapq.heappush(self.events, (answered + pause, number, index))
            return
        chunk.refused = 0
        if left and now >= chunk.deadline:
            walker.has_failed = True
            self._end_chunk(number, answered)
        elif not chunk.rows:
            self._end_chunk(number, answered)
        else:
            heapq.heappush(self.events, (answered + self._pause(chunk, bool(left)), number, index))

    def _pause(self, chunk: Chunk, is_throttled: bool) -> float:
        if not is_throttled:
            chunk.throttled = 0
            return 0.0
        chunk.throttled += 1
        return self.random.random() * min(BACKOFF.first * 2 ** (chunk.throttled - 1), BACKOFF.longest)

    def _end_chunk(self, number: int, now: float) -> None:
        walker = self.walkers[number]
        walker.running -= 1
        if walker.running:
            return
        self.tries.append(now + AFTER_ROWS - walker.page_began)
        if walker.has_failed:
            delay = min(LONGEST_RETURN, retry_delay(walker.receives, self.random.random()))
            self.returns.append(now)
            walker.receives += 1
            walker.turn_began = now + delay
            self._begin_page(number, now + delay)
            return
        now += AFTER_ROWS
        self.pages.append(now)
        walker.first_row += PAGE
        self.sender_writes.backlog += PAGE
        self._begin_page(number, now)

    def _flow(self, seconds: float, warm_up: float) -> Flow:
        window = seconds - warm_up
        pages, returns = (sum(warm_up <= at < seconds for at in ends) for ends in (self.pages, self.returns))
        return Flow(
            rows=PAGE * pages / window,
            posts=self.sender_writes.posted / window,
            slowest_page=max(self.tries, default=0.0),
            returned=returns / max(1, pages),
            refused=self.sender_writes.refused / max(1.0, self.sender_writes.posted),
        )


@cache
def flow(load: Load) -> Flow:
    """A busy table is observed for longer, because returned jobs wait for up to a minute."""
    seconds = 90.0 if load.writes < 10_000 else 30.0
    return Contention(load).run(seconds, warm_up=seconds / 3)
