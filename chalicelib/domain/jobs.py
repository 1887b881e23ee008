"""Jobs: what queue messages ask for, a dataclass for each kind. job_bodies.py reads and writes their JSON."""

from __future__ import annotations

from dataclasses import dataclass

from .receipt import Receipt

GatewayName = str

BUSY_SECONDS = 5
"""Delay of a job that cannot be done now: another worker has it, or a write failed or lost a race."""


@dataclass(frozen=True)
class ReceivedMessage:
    """A queue message as it is received. `receive_count` starts at 1; `queued_at` is in epoch seconds."""

    id: str
    receipt_handle: str
    body: str
    receive_count: int = 1
    queued_at: float | None = None


@dataclass(frozen=True)
class SendMessage:
    """Post a mailing's message to one client. The sender reads text and phone number when it posts."""

    mailing_id: int
    client_id: int


@dataclass(frozen=True)
class StartMailing:
    mailing_id: int


@dataclass(frozen=True)
class WalkSlice:
    """Write the messages of one slice of the audience, and queue them."""

    mailing_id: int
    number: int


@dataclass(frozen=True)
class ReconcileShard:
    """Count and repair one shard of a mailing's messages. A later round makes the job obsolete."""

    mailing_id: int
    round_number: int
    shard: int


@dataclass(frozen=True)
class ReleaseShard:
    """Queue the waiting messages of one shard for an opening of local hours at `opens_at` (epoch seconds).

    `released_at`: when this release began, in milliseconds. Another release at the same opening begins anew.
    """

    mailing_id: int
    shard: int
    opens_at: int
    released_at: int = 0


@dataclass(frozen=True)
class FeedMailing:
    """Queue the next messages of a mailing with a rate limit. `feed`: the number of the walk over its rows."""

    mailing_id: int
    feed: int


@dataclass(frozen=True)
class FollowMovedClients:
    """Update the waiting messages of these clients after a change of their time zones."""

    client_ids: tuple[int, ...]


@dataclass(frozen=True)
class EraseTraces:
    """Clean what is left of an erased person. `name`: of the erasure, which has no phone number in it."""

    name: str


@dataclass(frozen=True)
class ImportClients:
    import_id: int


@dataclass(frozen=True)
class SettleReceipts:
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True)
class Asked:
    """A message and what the provider calls it."""

    message_id: int
    provider_id: str


@dataclass(frozen=True)
class AskReceipts:
    """Ask the provider of this gateway what became of these messages. `posted_at`: of the first one, epoch seconds."""

    gateway: GatewayName
    posted_at: int
    messages: tuple[Asked, ...]


Job = (
    SendMessage
    | StartMailing
    | WalkSlice
    | ReconcileShard
    | ReleaseShard
    | FeedMailing
    | FollowMovedClients
    | EraseTraces
    | ImportClients
    | SettleReceipts
    | AskReceipts
)
