"""A gateway that never accepts the messages of some mailings, so that they keep the send queue busy."""

from __future__ import annotations

from chalicelib.gateways.answer import Answer
from infra.local.doubles.fake_clock import FakeClock
from infra.local.doubles.fake_gateway import FakeGateway

UNAVAILABLE = Answer(503)


class RefusingGateway(FakeGateway):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.refused_mailings: set[int] = set()

    def next_answer(self, message_id: int) -> Answer:
        return UNAVAILABLE if message_id // 10**10 in self.refused_mailings else super().next_answer(message_id)
