"""The providers by name, as their simulators need them."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Sms

from ..behaviour import KINDS, Behaviour
from .balances import BALANCES, Told
from .case import Case, Table
from .form import Form, Received, Refused
from .receipts.reporting import Reporting

CONTRACT = "contract"


def table_of(name: str) -> Table:
    table: Table = import_module(f"{__package__}.{name}").TABLE
    return table


def form_of(name: str) -> Form:
    form: Form = import_module(f"{__package__}.{name}").FORM
    return form


def reporting_of(name: str) -> Reporting | None:
    """None for a provider that reports no message."""
    module = f"{__package__}.receipts.{name}"
    return getattr(import_module(module), "REPORTING", None) if find_spec(module) else None


class SimulatedProvider:
    """A provider's server: its answer to each post. It has no state, and all its answers are in its table."""

    def __init__(self, name: str, secret: str = "") -> None:
        self.name = name
        self.form = form_of(name)
        self.table = table_of(name)
        self.reporting = reporting_of(name)
        self.balance = BALANCES.get(name)
        self.secret = secret or self.table.secret
        self._by_name = {case.name: case for case in self.table.answers}
        self._by_kind: dict[Kind, Case] = {}
        for case in self.table.answers:
            self._by_kind.setdefault(case.kind, case)

    def address(self, url: str) -> str:
        """The value of GATEWAY_URL for a server at this URL."""
        return url + urlsplit(self.table.options.url).path

    def read(self, post: Received) -> Sms | Case:
        """The message in a post, or the answer that refuses the post."""
        try:
            return self.form.read(post)
        except Refused as refused:
            return self._by_name[str(refused)]

    def answer(self, behaviour: str) -> Case | None:
        """What the provider answers if it behaves so. None: it has no such answer."""
        name = self.form.answers.get(behaviour)
        return self._by_name[name] if name else self._by_kind.get(KINDS[behaviour])

    @property
    def signature(self) -> str:
        """The secret with which it signs its receipts, if it has one besides that of its posts."""
        return self.reporting.signature if self.reporting else ""

    def receipts_address(self, post: Received) -> str:
        """That in an accepted post; empty if there is none."""
        return self.form.address(post) if self.form.address else ""

    def account_address(self, url: str, key: str) -> str:
        """That of the account, if its receipts go there. `url`: that of `/Receipts`."""
        if self.form.address:
            return ""
        return f"{url}/" if self.name == CONTRACT else f"{url}/{self.name}/{key}"

    def acceptance(self, sms: Sms, number: int) -> Case:
        first = self._by_kind[Kind.ACCEPTED]
        return Case(first.name, first.status, self.form.accept(sms, number), Kind.ACCEPTED)

    @property
    def duplicate(self) -> Case | None:
        """Its answer to an id that it has already; None if it accepts it again."""
        return self._by_kind.get(Kind.DUPLICATE)

    def told(self, question: Received, behaviour: Behaviour) -> Told:
        """The answer to a question for the balance."""
        assert self.balance is not None
        right, refusal = self.balance.answers[:2]
        if behaviour.garbage:
            return Told("a page instead of an answer", right.status, "<html>")
        if behaviour.unauthorized or not self.balance.is_allowed(question):
            return refusal
        amount = 0.0 if behaviour.no_balance else behaviour.balance
        return replace(right, body=self.balance.tell(amount))

    def check(self, behaviour: Behaviour) -> None:
        """Raises ValueError if the provider has no answer for this behaviour."""
        for name in KINDS:
            if getattr(behaviour, name) and self.answer(name) is None:
                raise ValueError(f'"{name}": {self.name} has no such answer.')
        if behaviour.receipts and self.reporting is None and self.form.questions is None:
            raise ValueError(f'"receipts": {self.name} has none.')
