"""A gateway that never accepts the messages of some mailings, so that they keep the send queue busy."""

from __future__ import annotations

from chalicelib.gateways.contract import Answer
from infra.local.doubles.fake_clock import FakeClock
from infra.local.doubles.fake_gateway import FakeGateway

UNAVAILABLE = Answer(503)


class RefusingGateway(FakeGateway):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.refused_mailings: set[int] = set()

    def post(self, message_id: int, phone_number: str, text: str, timeout: float) -> Answer:
        if message_id // 10**10 in self.refused_mailings:
            return UNAVAILABLE
        return super().post(message_id, phone_number, text, timeout)
