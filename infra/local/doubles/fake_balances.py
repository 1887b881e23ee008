"""The balances that gateways tell, and the row that keeps them."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.adapters.tables.balances import Known
from chalicelib.domain.money import UNIT, Amount
from chalicelib.errors import RowChanged
from chalicelib.gateways.balances.port import Told

from .fake_clock import LOCK


class FakeBalances:
    """`reads`: how often the row was read."""

    def __init__(self) -> None:
        self.asked_at: datetime | None = None
        self.rows: Known = {}
        self.reads = 0

    def begin_to_ask(self, now: datetime, interval: timedelta) -> Known:
        with LOCK:
            if self.asked_at is not None and now - self.asked_at < interval:
                raise RowChanged
            self.asked_at = now
            return self.rows

    def keep(self, known: Known) -> None:
        self.rows = dict(known)

    def known(self) -> Known:
        self.reads += 1
        return self.rows


class FakeBalanceQuestions:
    """Each gateway tells what `answers` says, or `default`; an error is raised. `asked`: which, in their order."""

    def __init__(self) -> None:
        self.default = Told(Amount(1000 * UNIT, "RUB"))
        self.answers: dict[str, Told | Exception] = {}
        self.asked: list[str] = []

    def __getitem__(self, gateway: str) -> FakeBalanceQuestion:
        return FakeBalanceQuestion(self, gateway)


class FakeBalanceQuestion:
    def __init__(self, questions: FakeBalanceQuestions, gateway: str) -> None:
        self._questions, self._gateway = questions, gateway

    def ask(self, timeout: float) -> Told:
        self._questions.asked.append(self._gateway)
        answer = self._questions.answers.get(self._gateway, self._questions.default)
        if isinstance(answer, Exception):
            raise answer
        return answer
