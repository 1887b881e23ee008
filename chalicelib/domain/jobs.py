"""What the queues carry: a dataclass for each job, and its JSON. Nothing else builds or reads a message's body."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from .receipt import REPORTED, Receipt

BUSY_SECONDS = 5
"""A job that another worker holds comes back after so long."""


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
    """Count and repair one shard of a mailing's messages. `requeue`: the send queue has lost what waits."""

    mailing_id: int
    round_number: int
    shard: int
    requeue: bool


@dataclass(frozen=True)
class ReleaseShard:
    """Queue the messages of one shard whose local hours open at `opens_at` (epoch seconds)."""

    mailing_id: int
    shard: int
    opens_at: int


@dataclass(frozen=True)
class FollowMovedClients:
    """Look again at the waiting messages of clients whose time zone changes."""

    client_ids: tuple[int, ...]


@dataclass(frozen=True)
class ImportClients:
    import_id: int


@dataclass(frozen=True)
class SettleReceipts:
    receipts: tuple[Receipt, ...]


Job = (
    SendMessage
    | StartMailing
    | WalkSlice
    | ReconcileShard
    | ReleaseShard
    | FollowMovedClients
    | ImportClients
    | SettleReceipts
)
J = TypeVar("J", bound=Job)

KINDS: dict[str, type[Job]] = {
    "send_message": SendMessage,
    "start_mailing": StartMailing,
    "walk_slice": WalkSlice,
    "reconcile_shard": ReconcileShard,
    "release_shard": ReleaseShard,
    "follow_moved_clients": FollowMovedClients,
    "import_clients": ImportClients,
    "settle_receipts": SettleReceipts,
}
NAMES = {kind: name for name, kind in KINDS.items()}


def to_body(job: Job) -> str:
    """`{"job": "walk_slice", "mailing_id": 12, "number": 0}`, without spaces."""
    values = {field.name: getattr(job, field.name) for field in fields(job)}
    return json.dumps({"job": NAMES[type(job)], **values}, default=_plain, separators=(",", ":"))


def from_body(body: str) -> Job | None:
    """None if the body is not a job's, or one of its fields is missing or of another type."""
    sent = _loads(body)
    kind = KINDS.get(_name(sent))
    if kind is None:
        return None
    try:
        return kind(**{field.name: READERS[str(field.type)](sent[field.name]) for field in fields(kind)})
    except (KeyError, TypeError, ValueError):
        return None


def kind_of(body: str) -> type[Job] | None:
    """The kind that a body claims to be, whether or not its fields can be read."""
    return KINDS.get(_name(_loads(body)))


def _loads(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _name(sent: Any) -> str:
    return str(sent.get("job")) if isinstance(sent, dict) else ""


def _plain(value: object) -> object:
    match value:
        case Receipt():
            return {field.name: getattr(value, field.name) for field in fields(value)}
        case datetime():
            return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not part of a job")


def _exactly(kind: type) -> Callable[[Any], Any]:
    """JSON's true is no number: bool is a subclass of int."""

    def read(sent: Any) -> Any:
        if type(sent) is not kind:
            raise TypeError(f"{kind.__name__} is expected")
        return sent

    return read


def _ints(sent: Any) -> tuple[int, ...]:
    return tuple(map(_exactly(int), _exactly(list)(sent)))


def _receipts(sent: Any) -> tuple[Receipt, ...]:
    return tuple(map(_receipt, _exactly(list)(sent)))


def _receipt(sent: Any) -> Receipt:
    at = datetime.fromisoformat(sent["at"])
    if at.tzinfo is None or sent["status"] not in REPORTED:
        raise ValueError("a status and a moment with an offset are expected")
    return Receipt(_exactly(int)(sent["message_id"]), sent["status"], at, _exactly(str)(sent["reason"]))


READERS: dict[str, Callable[[Any], Any]] = {
    "int": _exactly(int),
    "bool": _exactly(bool),
    "tuple[int, ...]": _ints,
    "tuple[Receipt, ...]": _receipts,
}
"""By the annotation of a job's field."""
