"""A slice: a range of client ids that one worker walks, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .mailing import Counts
from .walk import BEGINNING, Cursor


@dataclass(frozen=True)
class AudienceSlice:
    """`lease` is the number of the worker's turn. `in_doubt`: the turn before ended without a word, so
    messages beyond the cursor may exist, and may even be sent."""

    mailing_id: int
    number: int
    cursor: Cursor = BEGINNING
    chosen: int = 0
    done: bool = False
    lease: int = 0
    in_doubt: bool = False


@dataclass(frozen=True)
class ShardReport:
    """What a round of recounting found in one shard of a mailing's messages; `held` wait for their local hours.

    `standing`: those of whom it is known, or soon will be, whether their post arrived.
    `attempts`: how often they were claimed to be posted.
    """

    counts: Counts
    last_post_at: datetime | None = None
    held: int = 0
    in_canary: int = 0
    attempts: int = 0
