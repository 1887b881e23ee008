"""A gateway of the contract whose answers can be looked at, before they become outcomes."""

from __future__ import annotations

from datetime import UTC, datetime

from chalicelib.domain.outcome import Outcome
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.bounded_http import Times, times
from chalicelib.gateways.contract import Contract
from chalicelib.gateways.http_gateway import HttpGateway
from chalicelib.gateways.port import Options, Sms

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SILENCE = 1.0
"""Seconds until a post without an answer ends. A busy machine may need tenths of a second to connect."""
SMS = Sms(10_000_000_001, "79770000001", "Привет")


class KnownToken:
    """Replaces the parameter. `expired` counts the refusals."""

    def __init__(self, value: str) -> None:
        self._value = value
        self.expired = 0

    def value(self) -> str:
        return self._value

    def expire(self) -> None:
        self.expired += 1


class ContractGateway(HttpGateway):
    def __init__(self, url: str, token: KnownToken, connections: int, times: Times = times) -> None:
        super().__init__(Contract(Options(url)), token, lambda: NOW, connections, times)
        self.url = url

    def answer(self, sms: Sms, timeout: float) -> Answer:
        return self.answer_to(self._adapter.request(sms, self._secret.value()), timeout)


def post(gateway: ContractGateway, timeout: float = 5) -> Answer:
    return gateway.answer(SMS, timeout)


def read_answer(answer: Answer, now: datetime = NOW, refuses_by_code: bool = False) -> Outcome:
    return Contract(Options("https://sms.example.com", refuses_by_code=refuses_by_code)).outcome(answer, now)
