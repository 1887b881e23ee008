"""What the workers of queues share: a batch as it arrives, and the answer that returns part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from chalice.app import SQSEvent

from ..delivery.send_task import ReceivedMessage

if TYPE_CHECKING:
    from ..adapters.queues import Queue


def received(event: SQSEvent) -> list[ReceivedMessage]:
    return [
        ReceivedMessage(
            id=record["messageId"],
            receipt_handle=record["receiptHandle"],
            body=record["body"],
            receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
            queued_at=int(record["attributes"]["SentTimestamp"]) / 1000,
        )
        for record in event.to_dict()["Records"]
    ]


def give_back(queue: Queue, delays: dict[ReceivedMessage, int]) -> dict[str, Any]:
    """The answer by which SQS keeps these messages; each comes back after its delay in seconds."""
    queue.give_back({message.receipt_handle: delay for message, delay in delays.items()})
    return batch_answer(message.id for message in delays)


def batch_answer(failed_ids: Iterable[str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html, partial batch responses."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed_ids]}


def work_off(event: SQSEvent, queue: Queue, work: Callable[[str], int | None]) -> dict[str, Any]:
    """`work` gets a body, and answers with the seconds until it is to come back, None when it is done."""
    delays = {message: work(message.body) for message in received(event)}
    return give_back(queue, {message: delay for message, delay in delays.items() if delay is not None})
