"""Woken by hand (`aws lambda invoke`): dead letters go back to their queues."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from ..delivery.dead_letters import redrive
from ..runtime import logging_errors, seconds_left, waking

worker = Blueprint(__name__)


@worker.lambda_function(name="redrive_dead_letters")
@logging_errors
def redrive_dead_letters(_: dict[str, Any], context: Any) -> dict[str, int]:
    services = waking(context)
    return {"redriven": redrive(services, seconds_left(context))}
