"""Sender containers that work side by side for simulated hours, each with its own breaker, as on AWS."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from random import Random
from typing import Any

from chalicelib.delivery.sender import Sender
from chalicelib.domain.jobs import ReceivedMessage
from chalicelib.gateways.answer import Answer

from .fake_clock import LOCK, FakeClock
from .fake_gateway import FakeGateway
from .fake_queues import Delivery, FakeQueue
from .fakes import FakeServices
from .world import World

SECONDS_FOR_A_BATCH = 0.3
"""For a batch that is only returned to the queue: about ten calls to SQS and one to DynamoDB."""

ENOUGH_SECONDS = 60.0
THREADS = 50


class RandomClock(FakeClock):
    """Its jitter is random and the same in each run with the same seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = Random(seed)

    def jitter(self) -> float:
        return self._random.random()


class HeapQueue(FakeQueue):
    """A fake queue that is fast enough for a hundred thousand messages. It has no order, as SQS, unless `in_order`."""

    def __init__(self, clock: RandomClock, in_order: bool) -> None:
        super().__init__(clock, visibility=90)
        self.in_order = in_order
        self.hidden: list[tuple[datetime, int, str]] = []
        self.visible: list[str] = []
        self.sent_at: dict[str, float] = {}

    def send_body(self, body: str, delay: int = 0) -> None:
        with LOCK:
            super().send_body(body, delay)
            message = next(reversed(self.messages.values()))
            self.sent_at[message.id] = self.clock.now().timestamp()
            self._hide(message)

    def give_back(self, delays: dict[str, int]) -> None:
        super().give_back(delays)
        for receipt in delays:
            self._hide(self.messages[receipt.partition("/")[0]])

    def receive(self, limit: int = 10) -> list[Delivery]:
        while self.hidden and self.hidden[0][0] <= self.clock.now():
            self.visible.append(heapq.heappop(self.hidden)[2])
        taken: list[Delivery] = []
        while self.visible and len(taken) < limit:
            index = 0 if self.in_order else int(self.clock.jitter() * len(self.visible))
            message = self.messages[self.visible.pop(index)]
            message.receive_count += 1
            taken.append(message)
        return taken

    def _hide(self, message: Delivery) -> None:
        heapq.heappush(self.hidden, (message.visible_at, int(message.id[1:]), message.id))


class AnsweringGateway(FakeGateway):
    """Answers by the id of the message and the time. `seconds`: how long an answer takes."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.answer: Callable[[int], Answer] = lambda _: self.OK
        self.seconds = 0.1

    def next_answer(self, message_id: int) -> Answer:
        return self.answer(message_id)


class Fleet:
    """`world` announces mailings; the senders work on their messages. A batch takes time by the number of its posts.

    `pool` makes the threads of a sender; without it the posts of a batch follow each other. `posts` counts by minute.
    `deliveries`: of queue messages.
    """

    def __init__(
        self,
        senders: int = 4,
        batch: int = 100,
        seed: int = 1,
        pool: Callable[[int], Executor] | None = None,
        in_order: bool = False,
        **settings: Any,
    ) -> None:
        self.world = World()
        self.services = self.world.services = FakeServices(sender_threads=THREADS, **settings)
        clock = self.services.clock = RandomClock(seed)
        queue = self.services.send_queue = HeapQueue(clock, in_order)
        self._queue = queue
        self.gateway = self.services.gateway = AnsweringGateway(clock)
        if pool is not None:
            self.services.thread_pool = pool  # type: ignore[method-assign]
        self.batch = batch
        self.start = clock.time
        self.posts: Counter[int] = Counter()
        self.deliveries = 0
        self._free_at: list[tuple[datetime, int, Sender]] = []
        self.start_senders(senders)

    def start_senders(self, number: int) -> None:
        """New containers, which know nothing of earlier posts, replace all senders."""
        self._free_at = [(self.services.clock.time, index, Sender(self.services)) for index in range(number)]

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> float:
        """Returns the simulated seconds that have passed."""
        start = self._free_at[0][0]
        while self._free_at[0][0] < start + timedelta(seconds=seconds) and not until():
            free_at, number, sender = heapq.heappop(self._free_at)
            self.services.clock.time = free_at
            posts = self._send(sender)
            self.posts[int((free_at - self.start).total_seconds() // 60)] += posts
            waited = (self.services.clock.time - free_at).total_seconds()
            busy = SECONDS_FOR_A_BATCH + max(waited, -(-posts // THREADS) * self.gateway.seconds)
            heapq.heappush(self._free_at, (free_at + timedelta(seconds=busy), number, sender))
        return (self.services.clock.time - start).total_seconds()

    def _send(self, sender: Sender) -> int:
        """One invocation; returns the number of its posts."""
        before = len(self.gateway.posts)
        deliveries = self._queue.receive(self.batch)
        if not deliveries:
            return 0
        self.deliveries += len(deliveries)
        sent_at = self._queue.sent_at
        records = [
            ReceivedMessage(one.id, one.receipt_handle, one.body, one.receive_count, sent_at[one.id])
            for one in deliveries
        ]
        back = sender.send_batch(records, lambda: ENOUGH_SECONDS)
        self.services.send_queue.delete([one.receipt_handle for one in deliveries if one.id not in back])
        return len(self.gateway.posts) - before
