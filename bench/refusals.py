"""The cost of refusals for which no message is the cause, in posts, until the mailing pauses by itself.

python -m bench.refusals        exits with 1 if the posts are not bounded, or a mailing does not pause

A simulation without real time: 100,000 messages wait, four senders have batches of 100 and 50 threads, and the gateway
begins to refuse everything.
"""

from __future__ import annotations

import io
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout

from bench.outage import MESSAGES, SENDERS, fill
from chalicelib.domain.outcome import Kind
from chalicelib.logs import log
from infra.local.doubles.fake_gateway import answer_of
from infra.local.doubles.fleet import THREADS, Fleet

KINDS = (Kind.CREDENTIALS, Kind.BALANCE, Kind.SENDER)
SENT_BEFORE = 2_000
LONGEST = 1_800
MOST_POSTS = SENDERS * (2 * THREADS + 8)
"""Two posts of each thread, as an answer is on its way while the next post begins, and probes of a minute."""


def main() -> int:
    log.setLevel("CRITICAL")
    worst = 0
    print(f"{MESSAGES:,} messages wait; posts until the mailing pauses, at most {MOST_POSTS} are allowed:")
    for kind in KINDS:
        for before in (0, SENT_BEFORE):
            with redirect_stdout(io.StringIO()):  # senders print their metrics
                posts, seconds = simulate(kind, before)
            worst = max(worst, posts)
            print(
                f"  {kind.value:11} {'new senders' if not before else 'busy senders':12} {posts:4} in {seconds:.0f} s"
            )
    return int(worst > MOST_POSTS)


def simulate(kind: Kind, sent_before: int) -> tuple[int, float]:
    """Posts and seconds from the first refusal until the pause."""
    fleet = Fleet(SENDERS, pool=ThreadPoolExecutor)
    fleet.gateway.while_posting = lambda: time.sleep(0.005)  # so that all threads start before the first answer
    mailing_id = fill(fleet.world)
    fleet.run(LONGEST, until=lambda: fleet.gateway.accepted.total() >= sent_before)
    before = len(fleet.gateway.posts)
    fleet.gateway.answer = lambda _: answer_of(kind)
    seconds = fleet.run(LONGEST, until=lambda: fleet.services.mailings.rows[mailing_id].status == "paused")
    return len(fleet.gateway.posts) - before, seconds


if __name__ == "__main__":
    sys.exit(main())
