"""The bodies of queue messages: jobs as JSON. Nothing else reads or writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

from .asking import PROVIDER_ID
from .jobs import (
    Asked,
    AskReceipts,
    EraseTraces,
    FeedMailing,
    FollowMovedClients,
    ImportClients,
    Job,
    ReconcileShard,
    ReleaseShard,
    SendMessage,
    SettleReceipts,
    StartMailing,
    WalkSlice,
)
from .receipt import RECEIPT_STATUSES, Receipt

LONGEST_NUMBER = 20
MAX_NUMBER = 10**19
"""Above every id. DynamoDB refuses numbers of more than 38 digits."""

GATEWAY_NAME = re.compile(r"[a-z0-9-]{1,20}")
ERASURE_NAME = re.compile(r"(client#[0-9]{1,10}|phone#[0-9a-f]{64}#[0-9]{1,17})")

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
    gateway = _gateway(value["gateway"]) if value.get("gateway") else ""  # earlier versions have queued none
    return Receipt(_message_id(value["message_id"]), value["status"], at, _exactly(str)(value["reason"]), gateway)


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
