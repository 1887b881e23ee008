"""A slice of the audience: a range of client ids that one worker walks, with its progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .mailing import Counts
from .walk import BEGINNING, Cursor


@dataclass(frozen=True)
class AudienceSlice:
    """`client_count`: clients that the worker has chosen so far. `lease` counts the leases of this slice.

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


@dataclass(frozen=True)
class ShardReport:
    """What a reconciliation round found in one shard of a mailing's messages.

    `held`: messages that wait for their local hours. `in_canary`: messages that count for the canary.
    `attempts`: the sum of all attempts.
    """

    counts: Counts
    last_post_at: datetime | None = None
    held: int = 0
    in_canary: int = 0
    attempts: int = 0
