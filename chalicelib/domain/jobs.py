"""Jobs: the bodies of queue messages, a dataclass for each kind. Only this module reads and writes their JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from .asking import PROVIDER_ID
from .receipt import RECEIPT_STATUSES, Receipt

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
LONGEST_NUMBER = 20
MAX_NUMBER = 10**19
"""Above every id. DynamoDB refuses numbers of more than 38 digits."""

GATEWAY_NAME = re.compile(r"[a-z0-9-]{1,20}")
ERASURE_NAME = re.compile(r"(client#[0-9]{1,10}|phone#[0-9a-f]{64}#[0-9]{1,17})")

J = TypeVar("J", bound=Job)

KINDS: dict[str, type[Job]] = {
    "send_message": SendMessage,
    "start_mailing": StartMailing,
    "walk_slice": WalkSlice,
    "reconcile_shard": ReconcileShard,
    "release_shard": ReleaseShard,
    "feed_mailing": FeedMailing,
    "follow_moved_clients": FollowMovedClients,
    "erase_traces": EraseTraces,
    "import_clients": ImportClients,
    "settle_receipts": SettleReceipts,
    "ask_receipts": AskReceipts,
}
NAMES = {kind: name for name, kind in KINDS.items()}


def to_body(job: Job) -> str:
    """`{"job": "walk_slice", "mailing_id": 12, "number": 0}`, without spaces."""
    values = {field.name: getattr(job, field.name) for field in fields(job)}
    return json.dumps({"job": NAMES[type(job)], **values}, default=_to_json, separators=(",", ":"))


def from_body(body: str) -> Job | None:
    """None if the body is not a job, or a field is missing or has another type.

    A field with a default may be missing: an earlier version has queued the job.
    """
    value = _loads(body)
    kind = KINDS.get(_name(value))
    if kind is None:
        return None
    try:
        given = [field for field in fields(kind) if field.name in value or field.default is MISSING]
        return kind(**{field.name: READERS[str(field.type)](value[field.name]) for field in given})
    except (KeyError, TypeError, ValueError):
        return None


def kind_of(body: str) -> type[Job] | None:
    """The kind that the body names, even if its fields are invalid."""
    return KINDS.get(_name(_loads(body)))


def _loads(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _name(value: Any) -> str:
    return str(value.get("job")) if isinstance(value, dict) else ""


def _to_json(value: object) -> object:
    match value:
        case Receipt() | Asked():
            return {field.name: getattr(value, field.name) for field in fields(value)}
        case datetime():
            return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not part of a job")


def _exactly(kind: type) -> Callable[[Any], Any]:
    """Checks the exact type: bool is a subclass of int, but `true` is not a valid number. No number is negative."""

    def read(value: Any) -> Any:
        if type(value) is not kind or (isinstance(value, int) and not 0 <= value < MAX_NUMBER):
            raise TypeError(f"{kind.__name__} is expected")
        return value

    return read


def _name_of_erasure(value: Any) -> str:
    if not ERASURE_NAME.fullmatch(_exactly(str)(value)):
        raise ValueError("client#12 or phone#<digest>#<microseconds> is expected")
    return str(value)


def _ints(value: Any) -> tuple[int, ...]:
    return tuple(map(_exactly(int), _exactly(list)(value)))


def _receipts(value: Any) -> tuple[Receipt, ...]:
    return tuple(map(_receipt, _exactly(list)(value)))


def _receipt(value: Any) -> Receipt:
    at = datetime.fromisoformat(value["at"])
    if at.tzinfo is None or value["status"] not in RECEIPT_STATUSES:
        raise ValueError("a status and a moment with an offset are expected")
    return Receipt(_message_id(value["message_id"]), value["status"], at, _exactly(str)(value["reason"]))


def _gateway(value: Any) -> str:
    if not GATEWAY_NAME.fullmatch(_exactly(str)(value)):
        raise ValueError("the name of a gateway is expected")
    return str(value)


def _asked(value: Any) -> tuple[Asked, ...]:
    return tuple(map(_one_asked, _exactly(list)(value)))


def _one_asked(value: Any) -> Asked:
    if not PROVIDER_ID.fullmatch(_exactly(str)(value["provider_id"])):
        raise ValueError("the id of a provider is expected")
    return Asked(_exactly(int)(value["message_id"]), value["provider_id"])


def _message_id(value: Any) -> int:
    """A number, or its digits in the body that a rule of EventBridge makes (`ReportsDelivered` in infra/stack.json)."""
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < LONGEST_NUMBER
    return int(_exactly(int)(int(value) if is_digits else value))


READERS: dict[str, Callable[[Any], Any]] = {
    "int": _exactly(int),
    "bool": _exactly(bool),
    "str": _name_of_erasure,
    "tuple[int, ...]": _ints,
    "tuple[Receipt, ...]": _receipts,
    "GatewayName": _gateway,
    "tuple[Asked, ...]": _asked,
}
"""The reader of each type annotation of a job's field."""
