"""SQS queues: send, receive, give back and delete queue messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..domain.job_bodies import to_body
from ..domain.jobs import Job, ReceivedMessage
from ..errors import TryAgain
from ..retries import pause_before_retry
from . import aws
from .clock import Clock

BATCH = 10
"""The most entries that SQS accepts in one request."""

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
"""Seconds: SQS hides a message for at most twelve hours."""


ONCE: dict[str, Any] = {"attempts": 1, "read_seconds": 2}
"""How the client for a request that may not take long is made."""


class QueueRefused(TryAgain):
    """SQS refused some entries in every one of several requests, or it is throttled, fails or does not answer."""


class Queue:
    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self._clock = clock

    def send(self, jobs: Sequence[Job], delays: Sequence[int] | None = None) -> None:
        """Send all jobs, ten in a request, each with its delay in seconds, at most 900. Raises QueueRefused.

        Raises ValueError, before anything is sent, if the number of delays is not the number of jobs.
        """
        pairs = list(zip(jobs, delays or [0] * len(jobs), strict=True))
        for start in range(0, len(pairs), BATCH):
            entries = [
                {"Id": str(index), "MessageBody": to_body(job), "DelaySeconds": delay}
                for index, (job, delay) in enumerate(pairs[start : start + BATCH])
            ]
            self._request_batch("send_message_batch", entries)

    def send_once(self, jobs: Sequence[Job], delay: int) -> None:
        """Send at most ten jobs in one request, which is not repeated and takes a few seconds at most.

        Raises QueueRefused, also if some of them are refused.
        """
        entries = [
            {"Id": str(index), "MessageBody": to_body(job), "DelaySeconds": delay} for index, job in enumerate(jobs)
        ]
        with aws.momentary_as(QueueRefused, f"{self.url} refused send_message_batch"):
            sqs = aws.client("sqs", **ONCE)
            answer = sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
        if answer.get("Failed"):
            raise QueueRefused(f"{self.url} refused {len(answer['Failed'])} entries of a batch")

    def give_back(self, delays: Mapping[str, int]) -> None:
        """Make received messages visible again after their delays, in seconds, by receipt handle."""
        pairs = list(delays.items())
        for start in range(0, len(pairs), BATCH):
            entries = [
                {"Id": str(index), "ReceiptHandle": handle, "VisibilityTimeout": min(delay, MAX_VISIBILITY)}
                for index, (handle, delay) in enumerate(pairs[start : start + BATCH])
            ]
            aws.client("sqs").change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def send_body(self, body: str) -> None:
        """Send one message with this body, unchanged. The body may be unreadable."""
        aws.client("sqs").send_message(QueueUrl=self.url, MessageBody=body)

    def receive(self) -> list[ReceivedMessage]:
        """Up to ten messages. They are hidden from other receivers for the queue's visibility timeout."""
        answer = aws.client("sqs").receive_message(QueueUrl=self.url, MaxNumberOfMessages=BATCH)
        return [
            ReceivedMessage(message["MessageId"], message["ReceiptHandle"], message["Body"])
            for message in answer.get("Messages", [])
        ]

    def delete(self, receipt_handles: Sequence[str]) -> None:
        """Delete received messages, at most ten. Raises QueueRefused."""
        entries = [{"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(receipt_handles)]
        self._request_batch("delete_message_batch", entries)

    def is_idle(self) -> bool:
        return self.size() == 0

    def size(self) -> int:
        """The number of messages that are visible, in flight or delayed. SQS updates it within a minute.

        Raises QueueRefused.
        """
        answer = self._request("get_queue_attributes", AttributeNames=COUNTS)
        return sum(int(answer["Attributes"].get(name, 0)) for name in COUNTS)

    def _request_batch(self, operation: str, entries: Sequence[Mapping[str, object]]) -> None:
        """SQS may accept a batch in part. Refused entries are sent again after a pause. Raises QueueRefused.

        Botocore repeats a request that is refused as a whole.
        """
        for number in range(TRIES):
            if number:
                pause_before_retry(self._clock, number - 1, FIRST_PAUSE, LONGEST_PAUSE)
            answer = self._request(operation, Entries=entries)
            refused = {failure["Id"] for failure in answer.get("Failed", [])}
            if not refused:
                return
            entries = [entry for entry in entries if entry["Id"] in refused]
        raise QueueRefused(f"{self.url} refused {len(entries)} entries of a batch {TRIES} times")

    def _request(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Raises QueueRefused if SQS is throttled, fails or does not answer."""
        with aws.momentary_as(QueueRefused, f"{self.url} refused {operation}"):
            answer: dict[str, Any] = getattr(aws.client("sqs"), operation)(QueueUrl=self.url, **parameters)
        return answer
