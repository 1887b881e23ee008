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
    """`plan` is set at the start; `ended_at` when every message has a final status. Times are aware and in UTC.

    `rounds` counts reconciliation rounds. Rounds before `first_valid_round` began before the last decision: their
    reports are not used. The next valid round carries out the orders: `requeue` waiting messages, and `resend`
    those of resends.py (`resends` is the number of this order). `rounds.py` has the rules of rounds.
    `concluded_rounds`: the latest round that has read all rows. Of the current round: `round_queued_at` is when its
    jobs were last queued, `round_requeues` which waiting messages it queues, and `round_expects_end` is True if the
    counts said at its beginning that it decides something. `rounds_charged_until`: the price of the rounds until now.

    `posting_since`: when the mailing last began to post: at its start, after a pause or its end, or when local hours
    opened that all of its messages had waited for. `reached_at`: when the messages were queued whose outcomes were
    counted last. `waits_until`: when messages return that senders gave back without an attempt, recorded while the
    mailing makes no progress.

    `purpose`: one of PURPOSES.
    `sender`: the name or number that recipients see; empty: that of the setting. `series_id`: the series that made the
    mailing; None: a person announced it. `draft_id`: the draft that was launched, as long as the mailing is as the
    draft says: until the start, an undo of the launch leads back to it.
    `canary`: clients that get the mailing first; None if there is no canary. `paused_because`: why the service paused
    the mailing, for people. `answers` and `refusals`: what the brake counts. `rate_limit` is in messages a second.
    `authors`: who announced the mailing or changed what is approved; nobody of them approves it. `approval`: as in
    approval.py. `approved_by`: the person who has approved it as it is.
    `max_cost`: what the texts may cost, as in money.py; None: no limit.
    `window`: the local hours; None if there are none.
    `releases`: the scheduled moments at which local hours open for waiting messages.
    `awaits_feed`: messages wait in their rows, without a queue message, for their turn under the rate limit. The next
    feed walks all rows and queues them. `is_feeding`: feed number `feed` does so now.
    `awaits_hours`: in the last reconciliation round all queued messages waited for their local hours.
    `former_texts`: those that it had since its start, the oldest first.
    `has_placeholders` is False for mailings from before placeholders existed, so their texts are sent unchanged.
    `rows_expire_at`: no row of a message is deleted before; set at the start (None: started by an earlier version).
    `posts`: how many posts were answered, `post_milliseconds`: how long they took together; for people only.
    `by_gateway`: the posts of the senders that counted its messages, also those of other mailings; for people only.
    `attempts`: the sum of all attempts, set by the reconciliation round that ends the mailing.
    `version` changes with every decision, but not with the counts. `receipts_version` changes with every group of
    receipts: only a write that depends on the counts compares it, so that receipts do not stop the other decisions.
    """

    id: int
    datetime_start: datetime
    datetime_end: datetime
    message_text: str
    chosen: Filter = ALL_CLIENTS
    window: SendWindow | None = None
    purpose: str = SERVICE
    sender: str = ""
    series_id: int | None = None
    draft_id: int | None = None
    rate_limit: int | None = None
    max_cost: int | None = None
    authors: tuple[str, ...] = ()
    approval: str = ""
    approved_by: str | None = None
    canary: Canary | None = None
    paused_because: Text | None = None
    answers: Answers = NO_ANSWERS
    refusals: Refusals = NO_REFUSALS
    status: str = SCHEDULED
    plan: Plan | None = None
    is_fanned_out: bool = False
    counts: Counts = NO_COUNTS
    rounds: int = 0
    round_started_at: datetime | None = None
    first_valid_round: int = 0
    concluded_rounds: int = 0
    round_queued_at: datetime | None = None
    round_requeues: str = ""
    round_expects_end: bool = False
    rounds_charged_until: datetime | None = None
    requeue: bool = False
    resend: tuple[str, ...] = ()
    resends: int = 0
    releases: frozenset[datetime] = frozenset()
    awaits_hours: bool = False
    awaits_feed: bool = False
    is_feeding: bool = False
    feed: int = 0
    progress_at: datetime | None = None
    posting_since: datetime | None = None
    last_post_at: datetime | None = None
    reached_at: datetime | None = None
    waits_until: datetime | None = None
    posts: int = 0
    post_milliseconds: int = 0
    by_gateway: PostsByGateway = field(default_factory=dict, hash=False)
    attempts: int | None = None
    ended_at: datetime | None = None
    rows_expire_at: datetime | None = None
    has_placeholders: bool = False
    former_texts: FormerTexts = ()
    version: int = 1
    receipts_version: int = 0

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
