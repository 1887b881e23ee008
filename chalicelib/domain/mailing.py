"""A mailing: its fields, its statuses and what each may become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .audience import EVERYONE, Filter, Plan
from .canary import Canary
from .message import QUEUED, SENT, TAKEN, MessageKey, MessageShard
from .send_window import SendWindow

SCHEDULED = "scheduled"
RUNNING = "running"
PAUSED = "paused"
FINISHED = "finished"
CANCELLED = "cancelled"

STATUSES = (SCHEDULED, RUNNING, PAUSED, FINISHED, CANCELLED)
OPEN_STATUSES = {SCHEDULED, RUNNING, PAUSED}

MAY_BECOME = {
    SCHEDULED: {SCHEDULED, RUNNING, FINISHED, CANCELLED},
    RUNNING: {RUNNING, PAUSED, FINISHED, CANCELLED},
    PAUSED: {PAUSED, RUNNING, FINISHED, CANCELLED},
    FINISHED: {FINISHED, RUNNING, SCHEDULED},  # an end moved into the future, or an order to send again
    CANCELLED: {CANCELLED},
}

MAX_RATE = 100_000
"""Messages a second: the most that a mailing's own limit may say."""


@dataclass(frozen=True)
class Counts:
    """Messages by status; `queued` is what is left of `total`. `delivered` and `undelivered` are among the `sent`."""

    total: int = 0
    sent: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    unknown: int = 0
    delivered: int = 0
    undelivered: int = 0

    @property
    def queued(self) -> int:
        return self.total - self.sent - self.failed - self.expired - self.cancelled - self.unknown

    @property
    def known(self) -> int:
        """Of so many it is known what became of their posts, as far as it ever will be."""
        return self.sent + self.failed + self.unknown

    def by_status(self) -> dict[str, int]:
        """Their sum is the total."""
        return {
            "queued": self.queued,
            "sent": self.sent,
            "failed": self.failed,
            "expired": self.expired,
            "cancelled": self.cancelled,
            "unknown": self.unknown,
        }

    def with_receipts(self) -> dict[str, int]:
        """By status, and behind the sent what the gateway has reported of them."""
        reported = {"delivered": self.delivered, "undelivered": self.undelivered}
        return {"queued": self.queued, "sent": self.sent, **reported, **self.by_status()}

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in COUNTED))

    def __neg__(self) -> Counts:
        return Counts(*(-getattr(self, name) for name in COUNTED))


NOTHING = Counts()
COUNTED = ("total", "sent", "failed", "expired", "cancelled", "unknown", "delivered", "undelivered")


def tally(statuses: Mapping[str, int], total: int = 0) -> Counts:
    """So many messages of each status, as counts; those who wait are what is left of the total."""
    numbers = {status: number for status, number in statuses.items() if status != QUEUED}
    return Counts(total=total, **{**numbers, SENT: sum(statuses.get(status, 0) for status in TAKEN)})


@dataclass(frozen=True)
class Mailing:
    """`plan` is set when it has started; `ended_at` when every message has its final status.

    `recounts` counts the rounds of recounting its messages. Those before `decisive_round` were begun before the
    last decision, and conclude nothing. The next one that does also carries out what was ordered: `requeue` what
    waits, and send again those whose status is in `resend` (order number `resends`).

    `canary`: who goes first, if the others are to wait for them. `paused_because`: why it paused by itself, for people.
    `rate_limit` is in messages a second. `window` are the local hours, if it has any.
    `releases`: the moments when it opens for somebody who waits for that.
    `awaits_hours`: the last round of recounting found nobody waiting for anything else.
    `has_fields`: its text is filled in for each client; one announced before there were fields goes out as it is.

    `attempts`: how often its messages were claimed to be posted, as the round that ended it has found.

    Times are aware and in UTC. `version` changes with every decision, not with the counts.
    """

    id: int
    datetime_start: datetime
    datetime_end: datetime
    message_text: str
    chosen: Filter = EVERYONE
    window: SendWindow | None = None
    rate_limit: int | None = None
    canary: Canary | None = None
    paused_because: str | None = None
    status: str = SCHEDULED
    plan: Plan | None = None
    is_fanned_out: bool = False
    counts: Counts = NOTHING
    rounds: int = 0
    round_started_at: datetime | None = None
    first_valid_round: int = 0
    requeue: bool = False
    resend: tuple[str, ...] = ()
    resends: int = 0
    releases: frozenset[datetime] = frozenset()
    awaits_hours: bool = False
    progress_at: datetime | None = None
    last_post_at: datetime | None = None
    attempts: int | None = None
    ended_at: datetime | None = None
    has_placeholders: bool = False
    version: int = 1

    @property
    def is_open(self) -> bool:
        """Something is still to be done for it; a cancelled one has messages to close."""
        return self.status in OPEN_STATUSES or (self.status == CANCELLED and self.ended_at is None)

    @property
    def is_settled(self) -> bool:
        """By its counters nobody waits any more; whether that is so, a recount decides."""
        return self.status in (RUNNING, CANCELLED) and self.is_fanned_out and self.counts.queued <= 0

    @property
    def holds(self) -> bool:
        """Only its canary may go; the others wait."""
        return self.canary is not None and not self.canary.is_passed

    @property
    def is_canary_known(self) -> bool:
        """By its counters enough of its canary is known; whether that is so, and what follows, a recount decides."""
        size = self.canary.size if self.canary and self.holds else None
        return size is not None and self.status == RUNNING and self.is_fanned_out and self.counts.known >= size

    @property
    def is_ripe(self) -> bool:
        """By its counters a recount has something to decide."""
        return self.is_settled or self.is_canary_known

    @property
    def has_orders(self) -> bool:
        """A round of recounting is owed to it, which carries them out."""
        return self.status == RUNNING and (self.requeue or bool(self.resend))

    @property
    def started_plan(self) -> Plan:
        """The plan of a mailing that has started; whoever walks its audience or its messages has one."""
        if self.plan is None:
            raise ValueError(f"mailing {self.id} has not started")
        return self.plan

    def message_key(self, client_id: int) -> MessageKey:
        return MessageKey(self.id, client_id, self.started_plan.shards)

    def message_shard(self, number: int) -> MessageShard:
        return MessageShard(self.id, number, self.started_plan.shards)

    def kept_until(self, retention_days: int) -> datetime:
        """When its messages may go."""
        latest = datetime.max.replace(tzinfo=UTC)
        days = timedelta(days=retention_days)
        return self.datetime_end + days if latest - self.datetime_end > days else latest

    def is_over(self, now: datetime) -> bool:
        return now >= self.datetime_end


def require_transition(before: str, after: str) -> None:
    if after not in MAY_BECOME[before]:
        raise ValueError(f"a {before} mailing cannot become {after}")
