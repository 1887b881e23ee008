"""A queue: what is put in, and what is given back to be tried later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..domain.jobs import Job, to_body
from ..retries import pause_before_retry
from . import aws
from .clock import Clock

BATCH = 10
"""Most entries that SQS takes in one request."""

COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]

TRIES = 5
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
"""Seconds: SQS refuses single entries when it is throttled or fails for a moment."""

MAX_VISIBILITY = 43_200


@dataclass(frozen=True)
class ReceivedMessage:
    receipt_handle: str
    body: str


class QueueRefused(Exception):
    """SQS took a request, but not all of its entries, however often they were sent."""


class Queue:
    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self._clock = clock

    def send(self, jobs: Sequence[Job], delays: Sequence[int] | None = None) -> None:
        """All of them, ten a call; each with its delay in seconds, at most 900. Raises QueueRefused.

        ValueError, before anything is sent, if there is not one delay for each job.
        """
        pairs = list(zip(jobs, delays or [0] * len(jobs), strict=True))
        for start in range(0, len(pairs), BATCH):
            entries = [
                {"Id": str(index), "MessageBody": to_body(job), "DelaySeconds": delay}
                for index, (job, delay) in enumerate(pairs[start : start + BATCH])
            ]
            self._request_batch("send_message_batch", entries)

    def give_back(self, delays: Mapping[str, int]) -> None:
        """Let received messages come again after so many seconds, by receipt handle."""
        waits = list(delays.items())
        for start in range(0, len(waits), BATCH):
            entries = [
                {"Id": str(index), "ReceiptHandle": handle, "VisibilityTimeout": min(delay, MAX_VISIBILITY)}
                for index, (handle, delay) in enumerate(waits[start : start + BATCH])
            ]
            aws.client("sqs").change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def send_raw(self, body: str) -> None:
        """One message as it stands, readable or not."""
        aws.client("sqs").send_message(QueueUrl=self.url, MessageBody=body)

    def take(self) -> list[ReceivedMessage]:
        """Up to ten messages, hidden from others for the queue's visibility timeout."""
        answer = aws.client("sqs").receive_message(QueueUrl=self.url, MaxNumberOfMessages=BATCH)
        return [ReceivedMessage(message["ReceiptHandle"], message["Body"]) for message in answer.get("Messages", [])]

    def delete(self, receipts: Sequence[str]) -> None:
        """What was taken is done with; at most ten."""
        entries = [{"Id": str(index), "ReceiptHandle": receipt} for index, receipt in enumerate(receipts)]
        self._request_batch("delete_message_batch", entries)

    def is_idle(self) -> bool:
        return self.size() == 0

    def size(self) -> int:
        """How many messages wait, are under way, or are delayed; within a minute, as SQS counts."""
        answer = aws.client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=COUNTS)
        return sum(int(answer["Attributes"].get(name, 0)) for name in COUNTS)

    def _request_batch(self, operation: str, entries: Sequence[Mapping[str, object]]) -> None:
        """SQS may accept a batch in part. Refused entries are sent again after a pause. Raises QueueRefused."""
        for number in range(TRIES):
            if number:
                pause_before_retry(self._clock, number - 1, FIRST_PAUSE, LONGEST_PAUSE)
            answer = getattr(aws.client("sqs"), operation)(QueueUrl=self.url, Entries=entries)
            refused = {failure["Id"] for failure in answer.get("Failed", [])}
            if not refused:
                return
            entries = [entry for entry in entries if entry["Id"] in refused]
        raise QueueRefused(f"{self.url} refused {len(entries)} entries of a batch {TRIES} times")
