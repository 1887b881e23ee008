"""The cost of an outage of the gateway, and its effect on the API.

python -m bench.outage        exits with 1 if the posts are not bounded, or the API becomes slower

First a simulation without real time: 100,000 messages wait, the gateway accepts every connection and never responds,
and four senders work as on AWS (batches of 100, 20 threads, timeout of 10 s). Then the local stack: the API's median
latency while nothing is sent, and while a mailing is sent to a gateway that hangs.
"""

from __future__ import annotations

import heapq
import io
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from chalicelib.delivery.sender import Sender
from chalicelib.domain.gateway_result import Answer
from chalicelib.domain.jobs import ReceivedMessage, SendMessage
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import Message
from chalicelib.logs import log
from infra.local.doubles.fake_clock import FakeClock
from infra.local.doubles.fake_queues import Delivery, FakeQueue
from infra.local.doubles.fakes import FakeServices
from infra.local.doubles.world import World
from infra.local.seed import LOCAL_TOKEN
from infra.local.stack import DevStack, any_settings

MESSAGES, SENDERS, BATCH, THREADS = 100_000, 4, 100, 20
MINUTES = 10
SECONDS_FOR_A_BATCH = 0.3
"""For a batch that is only returned to the queue: about ten calls to SQS and one to DynamoDB."""

CALLS, WAITING, SETTLING_SECONDS = 300, 500, 25
MOST_POSTS, MOST_SLOWER = SENDERS * 2 + 2, 1.2
"""The limit of posts a minute after two minutes, with two probes for each sender, and the limit of the API's ratio."""


class HeapQueue(FakeQueue):
    """A fake queue that is fast enough for a hundred thousand messages."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock, visibility=90)
        self.heap: list[tuple[datetime, str]] = []

    def send_body(self, body: str, delay: int = 0) -> None:
        super().send_body(body, delay)
        self._push(next(reversed(self.messages.values())))

    def give_back(self, delays: dict[str, int]) -> None:
        super().give_back(delays)
        for receipt in delays:
            self._push(self.messages[receipt.partition("/")[0]])

    def receive(self, limit: int) -> list[Delivery]:
        taken = []
        while self.heap and self.heap[0][0] <= self.clock.now() and len(taken) < limit:
            message = self.messages[heapq.heappop(self.heap)[1]]
            message.receive_count += 1
            taken.append(message)
        return taken

    def _push(self, message: Delivery) -> None:
        heapq.heappush(self.heap, (message.visible_at, message.id))


def main() -> int:
    log.setLevel("CRITICAL")
    with redirect_stdout(io.StringIO()):  # senders print their metrics
        posts = simulate()
    print(f"{MESSAGES:,} messages wait, the gateway hangs; attempted posts by minute:")
    print("  " + " ".join(f"{posts[minute]}" for minute in range(MINUTES)))
    later = max(posts[minute] for minute in range(2, MINUTES))
    print(f"  at most {later} a minute after the first two; at most {MOST_POSTS} are allowed")
    idle, hanging = api_latency()
    ratio = hanging / idle
    print(f"the API's median latency: {idle:.1f} ms, with a gateway that hangs {hanging:.1f} ms: {ratio:.2f} times")
    print(f"  at most {MOST_SLOWER} times is allowed")
    return int(later > MOST_POSTS or ratio > MOST_SLOWER)


def simulate() -> Counter[int]:
    """Attempted posts by minute of the outage."""
    services = _waiting()
    start = services.clock.time
    posts: Counter[int] = Counter()
    senders = [(start, number, Sender(services)) for number in range(SENDERS)]
    while senders[0][0] < start + timedelta(minutes=MINUTES):
        free_at, number, sender = heapq.heappop(senders)
        services.clock.time = free_at
        attempts = _send(services, sender)
        posts[int((free_at - start).total_seconds() // 60)] += attempts
        waves = -(-attempts // THREADS)
        busy = SECONDS_FOR_A_BATCH + waves * services.settings.gateway_timeout
        heapq.heappush(senders, (free_at + timedelta(seconds=busy), number, sender))
    return posts


def _waiting() -> Any:
    """A mailing after its fan-out, with all messages in the queue."""
    services: Any = FakeServices(sender_threads=THREADS)
    services.thread_pool = ThreadPoolExecutor
    services.send_queue = HeapQueue(services.clock)
    world = World()
    world.services = services
    world.clients(1)
    mailing_id = world.mailing(lasts=24 * 3600)
    world.do_jobs()
    services.send_queue.messages.clear()
    mailing: Mailing = services.mailings.rows[mailing_id]
    now = services.clock.now()
    services.clients.get_many = lambda ids: dict.fromkeys(ids, services.clients.rows[1])
    services.messages.add([Message(mailing.id, number, "queued", now) for number in range(1, MESSAGES + 1)], now)
    services.send_queue.heap.clear()
    services.send_queue.send([SendMessage(mailing.id, number) for number in range(1, MESSAGES + 1)])
    services.gateway.default_answer = Answer(None, "ReadTimeout")
    services.gateway.while_posting = lambda: time.sleep(0.01)  # so that all threads start before the first post fails
    return services


def _send(services: Any, sender: Sender) -> int:
    """One invocation; returns the number of attempted posts."""
    before = len(services.gateway.posts)
    deliveries = services.send_queue.receive(BATCH)
    sender.send_batch(
        [ReceivedMessage(item.id, item.receipt_handle, item.body, item.receive_count) for item in deliveries],
        lambda: 60.0,
    )
    return len(services.gateway.posts) - before


def api_latency() -> tuple[float, float]:
    """Medians in milliseconds: without a mailing, and with a mailing and a gateway that hangs."""
    with DevStack(
        any_settings(), Path(tempfile.mkdtemp(prefix="notifications-bench-")), print_line=lambda _: None
    ) as stack:
        assert stack.simulator is not None
        session = requests.Session()
        session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"
        for number in range(WAITING):
            session.post(f"{stack.url}/Clients/", data={"phone_number": f"7977{number:07d}"}, timeout=30)
        idle = _median(session, stack.url)
        stack.simulator.behave(hang=True)
        now = datetime.now(UTC)
        times = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
        session.post(f"{stack.url}/Mailing/", data={**times, "message_text": "bench"}, timeout=30).raise_for_status()
        time.sleep(SETTLING_SECONDS)
        return idle, _median(session, stack.url)


def _median(session: requests.Session, url: str) -> float:
    """The median of alternately reading and changing a client, in milliseconds."""
    milliseconds = []
    for number in range(CALLS):
        started = time.perf_counter()
        if number % 2:
            answer = session.get(f"{url}/Clients/1/", timeout=30)
        else:
            answer = session.patch(f"{url}/Clients/1/", data={"tag": f"t{number}"}, timeout=30)
        answer.raise_for_status()
        milliseconds.append((time.perf_counter() - started) * 1000)
    return statistics.median(milliseconds)


if __name__ == "__main__":
    sys.exit(main())
