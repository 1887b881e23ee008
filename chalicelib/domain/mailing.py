"""A mailing: its fields, its statuses, and the transitions between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..texts import Text
from .audience import Plan
from .brake import NO_ANSWERS, NO_REFUSALS, Answers, Refusals
from .canary import Canary
from .consent import SERVICE
from .counts import NO_COUNTS, Counts
from .filter import ALL_CLIENTS, Filter
from .former_text import FormerTexts
from .gateway_posts import PostsByGateway
from .message import MessageKey, MessageShard
from .send_window import SendWindow

SCHEDULED = "scheduled"
RUNNING = "running"
PAUSED = "paused"
FINISHED = "finished"
CANCELLED = "cancelled"

STATUSES = (SCHEDULED, RUNNING, PAUSED, FINISHED, CANCELLED)
OPEN_STATUSES = {SCHEDULED, RUNNING, PAUSED}

MAY_BECOME = {
    SCHEDULED: {SCHEDULED, RUNNING, PAUSED, FINISHED, CANCELLED},
    RUNNING: {RUNNING, PAUSED, FINISHED, CANCELLED},
    PAUSED: {PAUSED, RUNNING, FINISHED, CANCELLED},
    FINISHED: {FINISHED, RUNNING, PAUSED, SCHEDULED},  # the end is moved into the future, or a resend is ordered
    CANCELLED: {CANCELLED},
}

MAILING_ID = "mailing_id"
"""The counter of mailing ids."""

ROWS_ARE_FINAL_AFTER = timedelta(days=1)
"""So long after its end nobody writes a row of a mailing any more."""

MAX_RATE = 100_000
"""Messages a second: the highest `rate_limit` of a mailing."""


@dataclass(frozen=True)
class Mailing:
    """Times are aware and in UTC. Fields that are for people only have no influence on any decision."""

    id: int
    datetime_start: datetime
    datetime_end: datetime
    message_text: str
    chosen: Filter = ALL_CLIENTS
    window: SendWindow | None = None
    """The local hours; None if there are none."""
    purpose: str = SERVICE
    """One of PURPOSES."""
    sender: str = ""
    """The name or number that recipients see; empty: that of the setting."""
    series_id: int | None = None
    """The series that made the mailing; None: a person announced it."""
    draft_id: int | None = None
    """The draft that was launched, as long as the mailing is as the draft says: until the start, an undo of the launch
    leads back to it."""
    rate_limit: int | None = None
    """Messages a second."""
    max_cost: int | None = None
    """What the texts may cost, as in money.py; None: no limit."""
    authors: tuple[str, ...] = ()
    """Who announced the mailing or changed what is approved; nobody of them approves it."""
    approval: str = ""
    """As in approval.py."""
    approved_by: str | None = None
    """The person who has approved it as it is."""
    canary: Canary | None = None
    """Clients that get the mailing first; None if there is no canary."""
    paused_because: Text | None = None
    """Why the service paused the mailing, for people."""
    answers: Answers = NO_ANSWERS
    refusals: Refusals = NO_REFUSALS
    """`answers` and `refusals`: what the brake counts."""
    status: str = SCHEDULED
    plan: Plan | None = None
    """Set at the start."""
    is_fanned_out: bool = False
    counts: Counts = NO_COUNTS
    rounds: int = 0
    """Reconciliation rounds that have begun; rounds.py has their rules."""
    round_started_at: datetime | None = None
    """When the current round began."""
    first_valid_round: int = 0
    """Earlier rounds began before the last decision: their reports are not used."""
    concluded_rounds: int = 0
    """The latest round that has read all rows."""
    round_queued_at: datetime | None = None
    """When the jobs of the current round were last queued."""
    round_requeues: str = ""
    """Which waiting messages the current round queues."""
    round_expects_end: bool = False
    """The counts said at the beginning of the current round that it decides something."""
    rounds_charged_until: datetime | None = None
    """The price of the rounds until now."""
    requeue: bool = False
    """An order that the next valid round carries out: queue waiting messages again."""
    resend: tuple[str, ...] = ()
    """Orders that the next valid round carries out: those of resends.py."""
    resends: int = 0
    """The number of the last order to resend."""
    releases: frozenset[datetime] = frozenset()
    """The scheduled moments at which local hours open for waiting messages."""
    awaits_hours: bool = False
    """In the last reconciliation round all queued messages waited for their local hours."""
    awaits_feed: bool = False
    """Messages wait in their rows, without a queue message, for their turn under the rate limit. The next feed walks
    all rows and queues them."""
    is_feeding: bool = False
    """Feed number `feed` does so now."""
    feed: int = 0
    progress_at: datetime | None = None
    """When a message last got a final status, or the fan-out wrote a page."""
    posting_since: datetime | None = None
    """When the mailing last began to post: at its start, after a pause or its end, or when local hours opened that all
    of its messages had waited for."""
    last_post_at: datetime | None = None
    """When the latest of the counted posts began."""
    reached_at: datetime | None = None
    """When the messages were queued whose outcomes were counted last."""
    waits_until: datetime | None = None
    """When messages return that senders gave back without an attempt, recorded while the mailing makes no progress."""
    posts: int = 0
    post_milliseconds: int = 0
    """How many posts were answered, and how long they took together; for people only."""
    by_gateway: PostsByGateway = field(default_factory=dict, hash=False)
    """The posts of the senders that counted its messages, also those of other mailings; for people only."""
    attempts: int | None = None
    """The sum of all attempts, set by the reconciliation round that ends the mailing."""
    ended_at: datetime | None = None
    """When every message has a final status."""
    rows_expire_at: datetime | None = None
    """No row of a message is deleted before; set at the start (None: started by an earlier version)."""
    has_placeholders: bool = False
    """False for mailings from before placeholders existed, so their texts are sent unchanged."""
    former_texts: FormerTexts = ()
    """Those that it had since its start, the oldest first."""
    version: int = 1
    """Changes with every decision, but not with the counts."""
    receipts_version: int = 0
    """Changes with every group of receipts: only a write that depends on the counts compares it, so that receipts do
    not stop the other decisions."""

    @property
    def is_open(self) -> bool:
        """Whether the mailing needs work. A cancelled mailing is open until its messages are closed."""
        return self.status in OPEN_STATUSES or (self.status == CANCELLED and self.ended_at is None)

    @property
    def has_no_queued(self) -> bool:
        """By the counts no message is queued any more. A reconciliation round confirms it."""
        return self.status in (RUNNING, CANCELLED) and self.is_fanned_out and self.counts.queued <= 0

    @property
    def awaits_canary(self) -> bool:
        """Only the messages of the canary are admitted; the others wait for its result."""
        return self.canary is not None and not self.canary.is_passed

    @property
    def has_canary_result(self) -> bool:
        """By the counts the canary has enough outcomes. A reconciliation round confirms it and decides what follows."""
        size = self.canary.size if self.canary and self.awaits_canary else None
        return size is not None and self.status == RUNNING and self.is_fanned_out and self.counts.posted >= size

    @property
    def needs_reconciliation(self) -> bool:
        """By the counts a reconciliation round can end the mailing or decide on its canary."""
        return self.has_no_queued or self.has_canary_result

    @property
    def has_orders(self) -> bool:
        """Whether a reconciliation round has to requeue or resend messages."""
        return self.status == RUNNING and (self.requeue or bool(self.resend))

    @property
    def started_plan(self) -> Plan:
        """The plan. Raises ValueError if the mailing has not started."""
        if self.plan is None:
            raise ValueError(f"mailing {self.id} has not started")
        return self.plan

    def message_key(self, client_id: int) -> MessageKey:
        return MessageKey(self.id, client_id, self.started_plan.shards)

    def message_shard(self, number: int) -> MessageShard:
        return MessageShard(self.id, number, self.started_plan.shards)

    def kept_until(self, retention_days: int) -> datetime:
        """When a row that is written now expires: `retention_days` after the end, or after a later last progress.

        Never before `rows_expire_at`, whatever the end has become since the start.
        """
        latest = datetime.max.replace(tzinfo=UTC)
        days = timedelta(days=retention_days)
        end = max(self.datetime_end, self.progress_at or self.datetime_end)
        expires_at = end + days if latest - end > days else latest
        return max(expires_at, self.rows_expire_at or expires_at)

    def may_lack_rows(self, now: datetime) -> bool:
        """Whether rows that are missing are gone for good: the time to live may have deleted them, or none can come."""
        has_expired = self.rows_expire_at is not None and now >= self.rows_expire_at
        return has_expired or now - self.datetime_end >= ROWS_ARE_FINAL_AFTER

    def is_over(self, now: datetime) -> bool:
        return now >= self.datetime_end

    def is_closed(self, now: datetime) -> bool:
        """Whether the mailing posts nothing any more, unless a person decides otherwise."""
        return self.status in (FINISHED, CANCELLED) or self.is_over(now)


def require_transition(before: str, after: str) -> None:
    if after not in MAY_BECOME[before]:
        raise ValueError(f"a {before} mailing cannot become {after}")
