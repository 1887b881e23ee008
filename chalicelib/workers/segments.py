"""Woken by the segments queue: one job at a time."""

from __future__ import annotations

import json
from typing import Any

from chalice.app import Blueprint, SQSEvent, SQSRecord

from ..errors import Conflict
from ..fanout import start_mailing, walk_segment
from ..logs import count, log
from ..recount import recount_shard
from .wakeup import waking

worker = Blueprint(__name__)

BUSY_SECONDS = 5


@worker.on_sqs_message(queue="segments", name="fan_out", batch_size=1)
def fan_out(event: SQSEvent) -> dict[str, Any]:
    """A job that is not done comes back: at once when its time ran out, a little later when it is in other hands."""
    context: Any = event.context
    outside = waking(context)

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    failures = []
    for record in event:
        delay = _work(outside, record, seconds_left)
        if delay is not None:
            outside.segments_queue.give_back({record.receipt_handle: delay})
            failures.append({"itemIdentifier": record.to_dict()["messageId"]})
    return {"batchItemFailures": failures}


def _work(outside: Any, record: SQSRecord, seconds_left: Any) -> int | None:
    """Seconds until the job is to come back, or None when it is done."""
    try:
        job = json.loads(record.body)
        kind, mailing_id = job["job"], int(job["mailing"])
        if kind not in ("start", "walk", "recount"):
            raise ValueError(kind)
    except (ValueError, TypeError, KeyError):
        log.error("unreadable job put to the dead letters", extra={"body": record.body})
        count("DeadLetters")
        outside.dead_letters.send_raw(record.body)
        return None
    try:
        match kind:
            case "start":
                start_mailing(outside, mailing_id)
                return None
            case "walk":
                return None if walk_segment(outside, mailing_id, job["segment"], seconds_left) else 0
            case _:
                done = recount_shard(outside, mailing_id, job["round"], job["shard"], job["requeue"], seconds_left)
                return None if done else 0
    except Conflict:
        return BUSY_SECONDS
