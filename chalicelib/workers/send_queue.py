"""Invoked by the send queue: post a batch of messages. Invoked by a schedule: ask for the balances at the gateways."""

from __future__ import annotations

from functools import cache
from typing import Any

from chalice.app import Blueprint, SQSEvent

from ..delivery.sender import Sender
from ..runtime import begin_invocation, logging_errors, seconds_left, services
from .queues import batch_answer, received

worker = Blueprint(__name__)

ASK_BALANCES = {"job": "ask_balances"}
"""The event of the schedule, in infra/stack.json. The role of the sender has all rights that this needs."""


@cache
def _sender() -> Sender:
    """Made once per container, because it keeps threads and a cache of mailings."""
    return Sender(services())


@worker.on_sqs_message(queue="send", name="send_messages", batch_size=100, maximum_batching_window_in_seconds=1)
@logging_errors
def send_messages(event: SQSEvent) -> dict[str, Any]:
    begun = begin_invocation(event.context)
    if event.to_dict() == ASK_BALANCES:
        from ..delivery.balances import ask_balances  # a batch of messages does not load it

        return ask_balances(begun, seconds_left(event.context))
    return batch_answer(_sender().send_batch(received(event), seconds_left(event.context)))
