"""Woken by time, or by hand (`aws lambda invoke`): a mailing's own schedule, and the sweep of every minute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalice.app import Blueprint, LambdaFunctionEvent, Rate

from ..delivery import fanout, local_hours
from ..delivery import sweep as sweeping
from ..logs import add_log_keys, log
from ..runtime import logging_errors, waking

worker = Blueprint(__name__)


@worker.lambda_function(name="start_mailing")
@logging_errors
def start_mailing(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"mailing": 12}` from its schedule, or by hand: starts it if it is due, and says whether it did.

    `{"mailing": 12, "opens_at": 1795500000}`: releases those who wait for their local hours until that moment.
    """
    services = waking(context)
    match event:
        case {"mailing": int(mailing_id), "opens_at": int(opens_at), **others} if not others and 0 < opens_at < 2**32:
            add_log_keys(mailing_id=mailing_id)
            released = local_hours.release(services, mailing_id, datetime.fromtimestamp(opens_at, UTC))
            return {"mailing": mailing_id, "released": released}
        case {"mailing": int(mailing_id), **others} if not others:
            add_log_keys(mailing_id=mailing_id)
            started = fanout.start_mailing(services, mailing_id)
            log.info("schedule", extra={"started": started})
            return {"mailing": mailing_id, "started": started}
    return {"detail": '{"mailing": 12} or {"mailing": 12, "opens_at": 1795500000} is expected.'}


@worker.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
@logging_errors
def sweep(event: LambdaFunctionEvent) -> dict[str, int]:
    """By hand: `{}`."""
    return sweeping.sweep(waking(event.context))


# Nothing of the event is read, so a person need not send what CloudWatchEvent insists on.
sweep.event_class = LambdaFunctionEvent
