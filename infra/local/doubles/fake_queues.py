"""Queues that redeliver, as SQS does, and schedules that a test fires."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import Job

from .fake_clock import LOCK, FakeClock


@dataclass
class Delivery:
    """One message of a fake queue. `visible_at` and `sent_at` are times of the fake clock."""

    id: str
    body: str
    visible_at: datetime
    receive_count: int = 0
    sent_at: datetime | None = None

    @property
    def receipt_handle(self) -> str:
        return f"{self.id}/{self.receive_count}"


@dataclass
class FakeQueue:
    clock: FakeClock
    visibility: int = 90
    messages: dict[str, Delivery] = field(default_factory=dict)
    _ids: Any = field(default_factory=itertools.count)

    def send(self, jobs: Sequence[Job], delays: Sequence[int] | None = None) -> None:
        for job, delay in zip(jobs, delays or [0] * len(jobs), strict=True):
            self.send_body(to_body(job), delay)

    def send_once(self, jobs: Sequence[Job], delay: int) -> None:
        self.send(jobs, [delay] * len(jobs))

    def send_body(self, body: str, delay: int = 0) -> None:
        with LOCK:
            name = f"m{next(self._ids)}"
            now = self.clock.now()
            self.messages[name] = Delivery(name, body, now + timedelta(seconds=delay), sent_at=now)

    def give_back(self, delays: dict[str, int]) -> None:
        for handle, delay in delays.items():
            message = self.messages.get(handle.partition("/")[0])
            if message is not None and message.receipt_handle == handle:
                message.visible_at = self.clock.now() + timedelta(seconds=delay)

    def is_idle(self) -> bool:
        return not self.messages

    def size(self) -> int:
        return len(self.messages)

    def receive(self, limit: int = 10) -> list[Delivery]:
        """As SQS: each message is hidden for the visibility timeout, and visible again unless it is deleted."""
        if not self.messages:
            return []
        now = self.clock.now()
        received = [message for message in self.messages.values() if message.visible_at <= now][:limit]
        for message in received:
            message.receive_count += 1
            message.visible_at = now + timedelta(seconds=self.visibility)
        return [replace(message) for message in received]

    def delete(self, receipt_handles: Iterable[str]) -> None:
        """A message that was received again is not deleted by its old receipt handle."""
        for handle in receipt_handles:
            message = self.messages.get(handle.partition("/")[0])
            if message is not None and message.receipt_handle == handle:
                del self.messages[message.id]

    def lose(self, message_id: str) -> None:
        del self.messages[message_id]


class FakeSchedules:
    def __init__(self) -> None:
        self.times: dict[int, datetime] = {}
        self.releases: set[tuple[int, datetime]] = set()

    def set(self, mailing_id: int, at: datetime) -> None:
        self.times[mailing_id] = at

    def set_release(self, mailing_id: int, opens_at: datetime) -> None:
        self.releases.add((mailing_id, opens_at))

    def remove(self, mailing_id: int) -> None:
        self.times.pop(mailing_id, None)

    def remove_release(self, mailing_id: int, opens_at: datetime) -> None:
        self.releases.discard((mailing_id, opens_at))
