"""What the service needs of a provider to know the balance of the account: a question, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ...domain.money import CURRENCY, Amount, told_amount
from ...errors import BadSettings
from ..answer import Answer
from ..port import Options, Request, Secret


class BalanceForm(Protocol):
    """A module of this package."""

    def request(self, options: Options, secret: str) -> Request:
        """Raises BadSettings if `secret` has not the form that the capabilities name."""

    def balance(self, answer: Answer) -> Amount | None:
        """None if the answer is no balance. Raises nothing, whatever the answer contains."""


@dataclass(frozen=True)
class Told:
    """The answer to one question. `problem`: why there is no balance, without any text of the provider."""

    balance: Amount | None = None
    problem: str = ""


class BalanceQuestion:
    """For one gateway. `answer_to`: one request over HTTP in so many seconds; it raises nothing."""

    def __init__(
        self, form: BalanceForm, options: Options, secret: Secret, answer_to: Callable[[Request, float], Answer]
    ) -> None:
        self._form = form
        self._options = options
        self._secret = secret
        self._answer_to = answer_to

    def ask(self, timeout: float) -> Told:
        """Asks once, for at most `timeout` seconds. Raises the errors of the secret."""
        try:
            request = self._form.request(self._options, self._secret.value())
        except BadSettings as bad:
            return Told(problem=str(bad))
        answer = self._answer_to(request, timeout)
        balance = self._form.balance(answer)
        if balance is None and answer.status is not None:
            self._secret.expire()  # the answer may refuse it
        if balance is None:
            return Told(problem=f"status {answer.status}" if answer.status else f"no answer: {answer.body}")
        return Told(balance)


def told(value: object, currency: object = "") -> Amount | None:
    """An amount as a provider writes it. A currency that does not look like one is left out."""
    amount = told_amount(value)
    is_currency = isinstance(currency, str) and CURRENCY.fullmatch(currency)
    return None if amount is None else Amount(amount, str(currency) if is_currency else "")
