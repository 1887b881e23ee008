"""A slice of the audience, or a lane of a feed, that one worker walks, with its progress."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from .counts import NO_COUNTS, Counts
from .reasons import Reasons, bounded
from .walk import BEGINNING, Cursor
from .waves import WaveCounts


@dataclass(frozen=True)
class AudienceSlice:
    """A range of client ids; with a `feed` a lane of that feed: some of the shards of a mailing's messages.

    `client_count`: clients that the worker has chosen or queued so far. `zones`: those chosen by time zone, if the
    mailing has local hours. `lease` counts the leases of this slice.

    `in_doubt`: the previous lease expired before its worker finished. Messages beyond the cursor may exist, and some
    of them may be sent.
    """

    mailing_id: int
    number: int
    cursor: Cursor = BEGINNING
    client_count: int = 0
    done: bool = False
    lease: int = 0
    in_doubt: bool = False
    feed: int = 0
    zones: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class ShardReport:
    """What a reconciliation round found in one shard of a mailing's messages.

    `held`: messages that wait for their local hours. `in_canary`: messages that count for the canary.
    `attempts`: the sum of all attempts. `reasons`: why messages were not sent. `waves`: all messages by UTC offset.
    `read_until`: the last client id that is read, if the turn ended before the end of the shard; None if the whole
    shard is read. `written_at`: when the report was written.
    """

    counts: Counts = NO_COUNTS
    last_post_at: datetime | None = None
    held: int = 0
    in_canary: int = 0
    attempts: int = 0
    reasons: Reasons = field(default_factory=Counter)
    waves: WaveCounts = field(default_factory=Counter)
    read_until: int | None = None
    written_at: datetime | None = None

    @property
    def is_complete(self) -> bool:
        return self.read_until is None

    def __add__(self, other: ShardReport) -> ShardReport:
        """The sum of two parts. It is as complete and as old as `other`."""
        return replace(
            other,
            counts=self.counts + other.counts,
            last_post_at=max((at for at in (self.last_post_at, other.last_post_at) if at), default=None),
            held=self.held + other.held,
            in_canary=self.in_canary + other.in_canary,
            attempts=self.attempts + other.attempts,
            reasons=bounded(self.reasons + other.reasons),
            waves=self.waves + other.waves,
        )
