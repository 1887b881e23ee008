"""The cost of an outage of the gateway, and its effect on the API.

python -m bench.outage        exits with 1 if the posts are not bounded, or the API becomes slower

First a simulation without real time: 100,000 messages wait, the gateway accepts every connection and never responds,
and four senders have batches of 100, 50 threads and a timeout of 10 s. Then the local stack: the API's median latency
while nothing is sent, and while a mailing is sent to a gateway that hangs.
"""

from __future__ import annotations

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

from chalicelib.domain.jobs import SendMessage
from chalicelib.domain.message import Message
from chalicelib.gateways.answer import Answer
from chalicelib.logs import log
from infra.local.doubles.fleet import Fleet
from infra.local.doubles.world import World
from infra.local.local_settings import any_settings
from infra.local.seed import LOCAL_TOKEN
from infra.local.stack import DevStack

MESSAGES, SENDERS, MINUTES = 100_000, 4, 10

CALLS, WAITING, SETTLING_SECONDS = 300, 500, 25
MOST_POSTS, MOST_SLOWER = SENDERS * 2 + 2, 1.2
"""The limit of posts a minute after two minutes, with two probes for each sender, and the limit of the API's ratio."""


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
    fleet = Fleet(SENDERS, pool=ThreadPoolExecutor)
    fleet.gateway.answer = lambda _: Answer(None, "ReadTimeout")
    fleet.gateway.seconds = fleet.services.settings.gateway_timeout
    fleet.gateway.while_posting = lambda: time.sleep(0.01)  # so that all threads start before the first post fails
    fill(fleet.world)
    fleet.run(MINUTES * 60)
    return fleet.posts


def fill(world: World) -> int:
    """A mailing after its fan-out, with all messages in the queue. Returns its id."""
    services: Any = world.services
    world.clients(1)
    mailing_id = world.mailing(lasts=24 * 3600)
    now = services.clock.now()
    services.clients.get_many = lambda ids: dict.fromkeys(ids, services.clients.rows[1])
    world.do_jobs()
    services.messages.add([Message(mailing_id, number, "queued", now) for number in range(2, MESSAGES + 1)], now)
    services.send_queue.send([SendMessage(mailing_id, number) for number in range(2, MESSAGES + 1)])
    return mailing_id


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
