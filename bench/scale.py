"""Ten million and more, simulated: how long fan-out and sending take on AWS, and what binds.

python -m bench.scale

The plan, the segments, the shards of each message, the tokens and the waits after a refusal are the service's own code.
AWS is a handful of documented limits, stepped through second by second:

- DynamoDB: 1,000 write units a second for one partition key; a new on-demand table takes 4,000 a second at once, and
  doubles what it was used for within 30 minutes; warm throughput sets what it takes at once (Developer Guide:
  "On-demand capacity mode", "Burst and adaptive capacity", "Understanding DynamoDB warm throughput");
- Lambda by SQS: five batches at once at first, 300 more each minute, up to 1,250 or the MaximumConcurrency (Lambda
  Developer Guide: "Configuring scaling behavior for SQS event source mappings");
- SQS: 120,000 messages in flight (SQS Developer Guide: "Quotas").

What a page and a message take is of this repository's own figures: docs/PERFORMANCE.md, "Cost".
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from chalicelib.domain.audience import EVERYONE, Plan, plan_audience
from chalicelib.domain.backoff import retry_delay
from chalicelib.domain.message import shard_of
from chalicelib.domain.rate import Bucket, Limits, take

KEY_WRITES, COLD_WRITES, DOUBLES_AFTER = 1_000, 4_000, 1_800
AT_FIRST, MORE_A_MINUTE, MOST_AT_ONCE = 5, 300, 1_250
IN_FLIGHT = 120_000
SENDERS_BATCH, THREADS = 100, 20
CORE = 512 / 1769
"""Of a core, that a Lambda of 512 MB has."""

CREATE_SECONDS, POST_SECONDS, CALL_SECONDS = 0.0005 / CORE, 0.005 / CORE, 0.005
WRITES_TO_SEND = 2
"""A claim and a settlement."""

TOKENS_SECONDS = 120
SAMPLE = 20_000


@dataclass(frozen=True)
class Outcome:
    """`binds`: what the most seconds were spent at the limit of."""

    seconds: int
    binds: str


class Table:
    """Of messages: what it takes in a second, by its keys and by what it was used for before."""

    def __init__(self, plan: Plan, warm: int) -> None:
        self.by_keys = int(KEY_WRITES / _largest_share(plan))
        self.ready = max(warm, COLD_WRITES)
        self._busy = 0

    def takes(self, wanted: float) -> tuple[float, str]:
        most, binds = min((self.by_keys, "the shards' keys"), (self.ready, "the table's throughput"))
        self._busy = self._busy + 1 if wanted > self.ready / 2 else 0
        if self._busy >= DOUBLES_AFTER:
            self.ready, self._busy = self.ready * 2, 0
        return (most, binds) if wanted > most else (wanted, "")


def fan_out(clients: int, warm: int = 0) -> Outcome:
    """A row and a queue message for everybody, by as many workers as there are segments and Lambda lets run."""
    plan = plan_audience(EVERYONE, clients)
    table, left, spent = Table(plan, warm), float(clients), Counter[str]()
    page = 1000 * CREATE_SECONDS + 2 * (4 + 10) * CALL_SECONDS  # ten chunks of a hundred, eight side by side: two turns
    second = 0
    while left > 0:
        workers, binds = min((plan.segments, "segments"), (_at_once(second, MOST_AT_ONCE), "Lambda's ramp"))
        created, by_table = table.takes(workers * 1000 / page)
        left -= created
        spent[by_table or binds] += 1
        second += 1
    return Outcome(second, spent.most_common(1)[0][0])


def send(clients: int, senders: int, latency: float = 0.05, rate: float | None = None, warm: int = 0) -> Outcome:
    """Everybody's post, by so many senders at most; one in a hundred is refused once for the time being."""
    plan = plan_audience(EVERYONE, clients)
    table, left, spent = Table(plan, warm), clients * 1.01, Counter[str]()
    batch = max(SENDERS_BATCH * POST_SECONDS, SENDERS_BATCH / THREADS * (latency + 2 * CALL_SECONDS))
    limit = _tokens_a_second(rate) if rate else float("inf")
    second = 0
    while left > 0:
        busy = min(_at_once(second, senders), IN_FLIGHT // SENDERS_BATCH)
        wanted, binds = min((busy * SENDERS_BATCH / batch, "senders"), (limit, "the rate"))
        written, by_table = table.takes(wanted * WRITES_TO_SEND)
        left -= written / WRITES_TO_SEND
        spent[by_table or binds] += 1
        second += 1
    return Outcome(second + retry_delay(1, 0.99), spent.most_common(1)[0][0])


def _at_once(second: int, most: int) -> int:
    return min(most, AT_FIRST + MORE_A_MINUTE * second // 60)


def _largest_share(plan: Plan) -> float:
    """Of the messages, that one key has."""
    ids = range(1, min(plan.last_client_id, SAMPLE) + 1)
    return max(Counter(shard_of(client_id, plan.shards) for client_id in ids).values()) / len(ids)


def _tokens_a_second(rate: float) -> float:
    """As many as a bucket gives to senders who ask ten times a second for all there are."""
    bucket, given = Bucket(), 0
    for step in range(TOKENS_SECONDS * 10):
        now = 1e9 + step / 10
        bucket, permits = take(bucket.asked(1, 1, now), 1, Limits(rate, None), int(rate), now)
        given += len(permits)
    return given / TOKENS_SECONDS


def main() -> None:
    print(f"{'clients':>12}{'segments':>10}{'shards':>8}{'table':>8}   fan-out, and what binds")
    for clients in (1_000_000, 10_000_000, 100_000_000):
        plan = plan_audience(EVERYONE, clients)
        for warm in (0, 20_000, 40_000):
            found = fan_out(clients, warm)
            print(
                f"{clients:>12,}{plan.segments:>10}{plan.shards:>8}{warm or 'cold':>8}   {_shown(found)}",
                flush=True,
            )
    print(f"\n{'clients':>12}{'senders':>10}{'rate':>8}{'table':>8}   sending at 50 ms, and what binds")
    for clients in (1_000_000, 10_000_000, 100_000_000):
        for senders, rate, warm in ((4, None, 0), (50, None, 0), (200, None, 40_000), (50, 1000.0, 0)):
            found = send(clients, senders, rate=rate, warm=warm)
            print(f"{clients:>12,}{senders:>10}{rate or '-':>8}{warm or 'cold':>8}   {_shown(found)}", flush=True)


def _shown(found: Outcome) -> str:
    hours, seconds = divmod(found.seconds, 3600)
    return f"{hours:>4} h {seconds // 60:02} min {seconds % 60:02} s   {found.binds}"


if __name__ == "__main__":
    main()
