"""Woken by time: a mailing's own schedule, and the sweep of every minute."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from .. import fanout
from .. import sweep as sweeping
from ..logs import log
from .wakeup import waking

worker = Blueprint(__name__)


@worker.lambda_function(name="start_mailing")
def start_mailing(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"mailing": 12}` from its schedule, or by hand: starts it if it is due, and says whether it did."""
    outside = waking(context)
    started = fanout.start_mailing(outside, int(event["mailing"]))
    log.info("schedule", extra={"mailing_id": event["mailing"], "started": started})
    return {"mailing": event["mailing"], "started": started}


@worker.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event: CloudWatchEvent) -> dict[str, int]:
    return sweeping.sweep(waking(event.context))
