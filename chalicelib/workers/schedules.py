"""Woken by time: a mailing's own schedule, and the sweep of every minute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from .. import fanout, hours
from .. import sweep as sweeping
from ..logs import log, note
from .wakeup import logging_errors, waking

worker = Blueprint(__name__)


@worker.lambda_function(name="start_mailing")
@logging_errors
def start_mailing(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"mailing": 12}` from its schedule, or by hand: starts it if it is due, and says whether it did.

    `{"mailing": 12, "opens_at": 1795500000}`: releases those who wait for their local hours until that moment.
    """
    outside = waking(context)
    note(mailing_id=int(event["mailing"]))
    if "opens_at" in event:
        opens_at = datetime.fromtimestamp(event["opens_at"], UTC)
        return {"mailing": event["mailing"], "released": hours.release(outside, int(event["mailing"]), opens_at)}
    started = fanout.start_mailing(outside, int(event["mailing"]))
    log.info("schedule", extra={"started": started})
    return {"mailing": event["mailing"], "started": started}


@worker.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
@logging_errors
def sweep(event: CloudWatchEvent) -> dict[str, int]:
    return sweeping.sweep(waking(event.context))
