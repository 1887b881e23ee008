"""Shared by the workers of queues: read a batch, and answer with the queue messages that return to the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from chalice.app import SQSEvent

from ..domain.jobs import ReceivedMessage

if TYPE_CHECKING:
    from ..adapters.queues import Queue


class NotABatch(ValueError):
    """The event is not a batch of queue messages; the text says what is expected."""


def received(event: SQSEvent) -> list[ReceivedMessage]:
    """Raises NotABatch."""
    try:
        return _read_records(event.to_dict()["Records"])
    except (KeyError, TypeError, ValueError) as error:
        raise NotABatch(
            "A batch of SQS is expected: send a message to the queue, which invokes this function."
        ) from error


def _read_records(records: list[Any]) -> list[ReceivedMessage]:
    return [
        ReceivedMessage(
            id=record["messageId"],
            receipt_handle=record["receiptHandle"],
            body=record["body"],
            receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
            queued_at=int(record["attributes"]["SentTimestamp"]) / 1000,
        )
        for record in records
    ]


def give_back(queue: Queue, delays: dict[ReceivedMessage, int]) -> dict[str, Any]:
    """Returns the answer with which these messages stay in the queue. `delays` are in seconds."""
    queue.give_back({message.receipt_handle: delay for message, delay in delays.items()})
    return batch_answer(message.id for message in delays)


def batch_answer(failed_ids: Iterable[str]) -> dict[str, Any]:
    """A partial batch response: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed_ids]}


def process_batch(event: SQSEvent, queue: Queue, work: Callable[[ReceivedMessage], int | None]) -> dict[str, Any]:
    """`work` returns None if the job of the queue message is done, otherwise the seconds until it is repeated."""
    delays = {message: work(message) for message in received(event)}
    return give_back(queue, {message: delay for message, delay in delays.items() if delay is not None})
