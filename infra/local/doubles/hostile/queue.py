"""A queue that delivers twice, in no order, and to the dead letters. It knows the chain of events of each message."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from infra.local.doubles.fake_clock import LOCK
from infra.local.doubles.fake_queues import Delivery, FakeQueue

from .aws import Chain, HostileAws

SIZE_IS_UPDATED = timedelta(minutes=1)
"""Within this time an approximate number is right again [DOC]."""


class HostileQueue(FakeQueue):
    def __init__(self, aws: HostileAws, visibility: int) -> None:
        super().__init__(aws.clock, visibility)
        self.aws = aws
        self.chains: dict[str, Chain] = {}
        self._sizes: deque[tuple[datetime, int]] = deque(maxlen=100)

    def send_body(self, body: str, delay: int = 0) -> None:
        with LOCK:
            super().send_body(body, delay)
            self.chains[next(reversed(self.messages))] = Counter(self.aws.chain)
            self._note_size()

    def give_back(self, delays: dict[str, int]) -> None:
        """SQS may refuse entries. A refused message stays hidden until its visibility timeout ends."""
        refused = self.aws.knobs.part_refused
        super().give_back(
            {handle: delay for handle, delay in delays.items() if not self.aws.happens(refused, "give-back refused")}
        )

    def receive(self, limit: int = 10) -> list[Delivery]:
        now = self.clock.now()
        in_flight = sum(message.receive_count > 0 and message.visible_at > now for message in self.messages.values())
        if in_flight >= self.aws.knobs.in_flight:
            return []
        if self.aws.knobs.unordered and not self.aws.is_calm:
            self.messages = dict(self.aws.shuffled(list(self.messages.items())))
        return [delivery for delivery in super().receive(limit) if not self._is_dead_letter(delivery)]

    def delete(self, receipt_handles: Iterable[str]) -> None:
        """A message that is delivered again appears when its visibility timeout ends."""
        kept = self.aws.knobs.redelivered
        super().delete(handle for handle in receipt_handles if not self.aws.happens(kept, "redelivered"))
        self._note_size()

    def lose(self, message_id: str) -> None:
        super().lose(message_id)
        self._note_size()

    def size(self) -> int:
        """The number that was right some time ago."""
        if self.aws.is_calm or not self.aws.knobs.index_lag:
            return super().size()
        moment = self.clock.now() - self.aws.up_to(1.0) * SIZE_IS_UPDATED
        known = [size for at, size in self._sizes if at <= moment]
        return known[-1] if known else 0

    def is_idle(self) -> bool:
        return not self.size()

    def _is_dead_letter(self, delivery: Delivery) -> bool:
        knobs = self.aws.knobs
        if delivery.receive_count <= knobs.max_receives and not self.aws.happens(knobs.dead_lettered, "dead letter"):
            return False
        del self.messages[delivery.id]
        self.aws.services.dead_letters.send_body(delivery.body)
        return True

    def _note_size(self) -> None:
        self._sizes.append((self.clock.now(), len(self.messages)))
