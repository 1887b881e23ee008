"""Invoked by a person (`aws lambda invoke`): return dead letters to their queues."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from ..delivery.redrive import redrive
from ..runtime import begin_invocation, logging_errors, seconds_left

worker = Blueprint(__name__)


@worker.lambda_function(name="redrive_dead_letters")
@logging_errors
def redrive_dead_letters(_: dict[str, Any], context: Any) -> dict[str, int]:
    services = begin_invocation(context)
    return {"redriven": redrive(services, seconds_left(context))}
