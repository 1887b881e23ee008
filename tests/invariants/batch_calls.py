"""The calls that a sender makes for one batch."""

from __future__ import annotations

from typing import Any

from chalicelib.delivery.sender import Sender
from chalicelib.domain.jobs import ReceivedMessage
from chalicelib.gateways.answer import Answer
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.world import World


def calls_of_a_batch(answers: list[Answer], **settings: Any) -> int:
    """Calls beyond the process, for the ten messages of a mailing with these answers of the gateway."""
    world = World(**settings)
    world.clients(10)
    world.mailing()
    world.do_jobs()
    world.services.gateway.answers = answers
    counting: Any = CrashingServices(world.services)
    deliveries = world.services.send_queue.receive(10)
    batch = [ReceivedMessage(one.id, one.receipt_handle, one.body, one.receive_count) for one in deliveries]
    Sender(counting).send_batch(batch, lambda: 60.0)
    return counting.calls
