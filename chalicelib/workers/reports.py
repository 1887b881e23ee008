"""Invoked once a day by a schedule, or by a person (`aws lambda invoke`): send the daily report by email."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from ..errors import Refusal
from ..reports.daily import send_by_hand, send_scheduled
from ..runtime import begin_invocation, logging_errors, seconds_left

worker = Blueprint(__name__)


@worker.lambda_function(name="send_report")
@logging_errors
def send_report(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The schedule sends `{"scheduled": "<time>"}`, a person `{"date": "2026-11-22"}`."""
    services = begin_invocation(context)

    try:
        match event:
            case {"scheduled": str(moment), **others} if not others:
                return send_scheduled(services, moment, seconds_left(context))
            case {**sent}:
                return send_by_hand(services, sent, context.aws_request_id, seconds_left(context))
    except Refusal as refusal:
        return refusal.body
    return {"detail": '{"date": "2026-11-22"} is expected.'}
