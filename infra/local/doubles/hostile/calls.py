"""What each call to AWS can meet: how its adapter shows a refusal, a lost race and a repetition.

The layer is over the ports of the use cases, so a behaviour below a port has its visible form here: unprocessed items
are a batch that is done in part and raises, and a repeated ADD is a call that takes effect twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.adapters.queues import QueueRefused
from chalicelib.errors import NotRead, NotWritten, RowChanged, SliceBusy, TryAgain

from .knobs import Knobs


class AwsError(Exception):
    """An error of AWS that no adapter translates: the invocation fails."""


AWS_ERRORS = (AwsError, TryAgain, RowChanged, SliceBusy)
"""The errors with which an invocation may end because of AWS. Any other error is a fault of the service."""


@dataclass(frozen=True)
class Call:
    """`refused`: raised when the call is throttled or gets no answer. `lost_race`: raised when a transaction holds the
    item; None if the call does not write or no transaction writes such items.

    `is_repeatable`: botocore's retry of a call whose answer is lost takes effect again. A transaction is not
    repeatable: botocore gives it a ClientRequestToken.

    `is_of_statements`: each entry of the batch meets this by itself, and its error is its result instead of raised.
    """

    refused: type[Exception] = AwsError
    lost_race: type[Exception] | None = None
    is_repeatable: bool = False
    is_write: bool = True
    is_batch: bool = False
    is_of_statements: bool = False


READ = Call(is_write=False)
READ_ROWS = Call(NotRead, is_write=False)
UPDATE = Call(NotWritten, NotWritten, is_repeatable=True)
"""An update that raises NotWritten, whatever the reason."""

STATEMENTS = Call(NotWritten, NotWritten, is_repeatable=True, is_of_statements=True)
TRANSACTION = Call(lost_race=RowChanged)
PLAIN = Call(is_repeatable=True)
CONDITIONAL = Call(lost_race=RowChanged, is_repeatable=True)
SEND = Call(QueueRefused, is_repeatable=True, is_batch=True)

CALLS: dict[str, Call] = {
    **{f"mailings.{name}": TRANSACTION for name in ("add", "end", "remove")},
    **{f"series.{name}": TRANSACTION for name in ("add", "change")},
    **{f"mailings.{name}": CONDITIONAL for name in ("change", "clear_orders", "begin_round")},
    **{
        f"mailings.{name}": UPDATE
        for name in (
            "add_counts",
            "admit_to_canary",
            "mark_fanned_out",
            "await_release",
            "mark_released",
        )
    },
    **{f"messages.{name}": UPDATE for name in ("claim", "settle", "end_claim")},
    **{f"messages.{name}": STATEMENTS for name in ("claim_all", "settle_all", "change_all")},
    "messages.add": Call(NotWritten, is_repeatable=True, is_batch=True),
    "receipts.record": TRANSACTION,
    **{f"clients.{name}": TRANSACTION for name in ("add", "add_many", "change", "change_many", "remove")},
    **{f"counters.{name}": PLAIN for name in ("next_id", "lease_ids")},
    **{
        f"slices.{name}": PLAIN
        for name in ("lease", "advance", "end_lease", "give_up_lease", "report", "advance_release")
    },
    **{
        f"timelines.{name}": UPDATE
        for name in ("add_reasons", "replace_reasons", "add_waves", "replace_waves", "keep_sample")
    },
    "labels.add_from": PLAIN,
    **{f"{part}.get_many": READ_ROWS for part in ("mailings", "series", "clients", "imports")},
    **{f"mailings.{name}": READ_ROWS for name in ("listed", "outlines")},
    **{f"messages.{name}": READ_ROWS for name in ("existing", "received", "of_client", "page", "find", "queued_below")},
    **{f"clients.{name}": READ_ROWS for name in ("find", "read", "read_members", "count")},
    "rates.change": CONDITIONAL,
    **{f"{name}.send": SEND for name in ("send_queue", "jobs_queue", "receipts_queue")},
    **{f"{name}.give_back": PLAIN for name in ("send_queue", "jobs_queue", "receipts_queue")},
    **{f"schedules.{name}": PLAIN for name in ("set", "set_release", "remove", "remove_release")},
}
"""The calls whose errors an adapter translates, and those that are no plain updates."""

INDEXES = frozenset(
    [
        *(f"mailings.{name}" for name in ("open_ids", "active_ids", "scheduled_ids", "scheduled_number")),
        "series.due_ids",
    ]
)

READS = frozenset(
    [
        "get",
        "open_ids",
        "active_ids",
        "due_ids",
        "scheduled_ids",
        "scheduled_number",
        "existing",
        "page",
        "find",
        "read",
        "read_members",
        "count",
        "find_by_phone",
        "find_many",
        "stop_of",
        "last_id",
        "totals",
        "of_mailing",
        "report_of",
        "release_cursor",
        "reports",
        "reasons",
        "samples",
        "refused",
        "is_idle",
        "size",
        "prepare",
        "receive",
    ]
)


def call_of(name: str) -> Call:
    """The call `part.method`. A write that is not listed is an update of its table or queue."""
    if name in CALLS:
        return CALLS[name]
    part, _, method = name.partition(".")
    if method in READS:
        return READ
    return UPDATE if part in ("mailings", "messages") else PLAIN


def lag_of(name: str, arguments: tuple[Any, ...], knobs: Knobs) -> float:
    """How far behind this read may be, in seconds. A partition of clients is a block of the table or of an index."""
    if name in INDEXES:
        return knobs.index_lag
    if name in ("clients.read", "clients.read_members", "clients.count"):
        block_lag = 0.0 if name == "clients.read_members" else knobs.read_lag
        return block_lag if arguments[0].by == "block" else knobs.index_lag
    return 0.0


def is_lost_answer_repeated(name: str, arguments: tuple[object, ...], named: dict[str, object]) -> bool:
    """A decision with an audit record is a transaction."""
    if name == "mailings.change" and (len(arguments) > 2 or named.get("record")):
        return False
    return call_of(name).is_repeatable


def subject_of(call: Call, arguments: Any) -> Any:
    """What a call is about: its first argument. Of a statement, the key of its message."""
    if call.is_of_statements:
        return arguments[0][0].key
    return arguments[0] if arguments else None


def item_of(name: str, first: Any) -> str:
    """The item that a write changes, as far as the transactions of others hold it."""
    key = getattr(first, "client_id", None) or getattr(first, "id", None) or first
    return f"{name.partition('.')[0]}/{getattr(first, 'mailing_id', '')}/{key}"
