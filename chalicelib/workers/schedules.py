"""Invoked by schedules, or by a person (`aws lambda invoke`): start or release a mailing, and sweep every minute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalice.app import Blueprint, LambdaFunctionEvent, Rate

from ..delivery import fanout, local_hours
from ..delivery import sweep as sweeping
from ..logs import add_log_keys, log
from ..runtime import begin_invocation, logging_errors
from .payloads import is_id

worker = Blueprint(__name__)

MAX_MOMENT = 2**32
"""Seconds since the epoch: the year 2106."""


@worker.lambda_function(name="start_mailing")
@logging_errors
def start_mailing(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"mailing": 12}` starts the mailing if it is due, and answers whether it was started.

    `{"mailing": 12, "opens_at": 1795500000}` releases the messages whose local hours open at that moment.
    """
    services = begin_invocation(context)
    match event:
        case {"mailing": mailing_id, "opens_at": opens_at, **others} if (
            is_id(mailing_id) and is_id(opens_at) and 0 < opens_at < MAX_MOMENT and not others
        ):
            add_log_keys(mailing_id=mailing_id)
            released = local_hours.release(services, mailing_id, datetime.fromtimestamp(opens_at, UTC))
            return {"mailing": mailing_id, "released": released}
        case {"mailing": mailing_id, **others} if is_id(mailing_id) and not others:
            add_log_keys(mailing_id=mailing_id)
            started = fanout.start_mailing(services, mailing_id)
            log.info("schedule", extra={"started": started})
            return {"mailing": mailing_id, "started": started}
    return {"detail": '{"mailing": 12} or {"mailing": 12, "opens_at": 1795500000} is expected.'}


@worker.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
@logging_errors
def sweep(event: LambdaFunctionEvent) -> dict[str, int]:
    """A person sends `{}`."""
    return sweeping.sweep(begin_invocation(event.context))


# CloudWatchEvent requires fields that the sweep does not read. Without it a person can send an empty event.
sweep.event_class = LambdaFunctionEvent
