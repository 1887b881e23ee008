"""Posts to a gateway through its adapter, as the senders make them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import randbelow, token_hex

from chalicelib.domain.client import MAX_CLIENT_ID
from chalicelib.domain.outcome import Outcome
from chalicelib.gateways.balances.port import BalanceQuestion, Told
from chalicelib.gateways.balances.registry import NAMES as BALANCES
from chalicelib.gateways.balances.registry import balance_form
from chalicelib.gateways.configured import Configured
from chalicelib.gateways.http_gateway import HttpGateway
from chalicelib.gateways.port import Adapter, Sms
from chalicelib.gateways.registry import provider

MOST_MAILINGS = 2**63 // (MAX_CLIENT_ID + 1)
LIFETIME = 3600.0
WRONG = "wrong-secret"


@dataclass(frozen=True)
class GivenSecret:
    """GATEWAY_TOKEN from the environment."""

    text: str = field(repr=False)

    def value(self) -> str:
        return self.text

    def expire(self) -> None:
        """It is not read again."""


@dataclass(frozen=True)
class Posted:
    """`seconds`: until the outcome."""

    outcome: Outcome
    seconds: float


class Probe:
    """A gateway, and messages to one phone number. Each has its own text, with a code of this run."""

    def __init__(self, gateway: Configured, secret: str, phone: str, connections: int, timeout: float) -> None:
        self.gateway = gateway
        self.can = gateway.capabilities
        self.phone = phone
        self.code = token_hex(2)
        self._numbers = itertools.count(1)
        self._secret = secret
        self._timeout = timeout
        self._adapter: Adapter = provider(gateway.provider).make_adapter(gateway.adapter_options)
        self._http = self._gateway_with(secret, connections)

    def _gateway_with(self, secret: str, connections: int) -> HttpGateway:
        return HttpGateway(self._adapter, GivenSecret(secret), lambda: datetime.now(UTC), connections)

    def close(self) -> None:
        self._http.close()

    @property
    def sends_ids(self) -> bool:
        """Whether the message id is in the post."""
        posts = [self._adapter.request(Sms(number, self.phone, "Sale"), self._secret) for number in (1, 2)]
        return (posts[0].url, posts[0].body) != (posts[1].url, posts[1].body)

    def message(self, phone: str = "", number: int = 0) -> Sms:
        """A message with a text of its own. Its id is of no mailing."""
        sender = self.gateway.sender if self.can.takes_sender else ""
        text = f"Gateway check {self.code}-{next(self._numbers)}"
        return Sms(number or _usual_id(), phone or self.phone, text, sender, LIFETIME)

    def post(self, sms: Sms) -> Posted:
        return _timed(self._http, sms, self._timeout)

    def post_together(self, messages: Sequence[Sms]) -> list[Posted]:
        with ThreadPoolExecutor(len(messages)) as threads:
            return list(threads.map(self.post, messages))

    def balance(self) -> Told | None:
        """None if the provider tells none."""
        if self.gateway.provider not in BALANCES:
            return None
        form, secret = balance_form(self.gateway.provider), GivenSecret(self._secret)
        return BalanceQuestion(form, self.gateway.adapter_options, secret, self._http.answer_to).ask(self._timeout)

    def post_with_wrong_secret(self) -> Posted:
        """The user or the account stays, so that the provider looks at the password."""
        user, colon, _ = self._secret.partition(":")
        gateway = self._gateway_with(f"{user}:{WRONG}" if colon else WRONG, connections=1)
        try:
            return _timed(gateway, self.message(), self._timeout)
        finally:
            gateway.close()


def widest_id() -> int:
    """An id with 19 digits, below 2**63, as the last mailings would have. Of no mailing: no client has the number 0."""
    return (MOST_MAILINGS - randbelow(10**6)) * (MAX_CLIENT_ID + 1)


def _usual_id() -> int:
    """An id of ten digits. Of no mailing: mailings have greater ones, and test messages smaller ones."""
    return 10**9 + randbelow(9 * 10**9)


def _timed(gateway: HttpGateway, sms: Sms, timeout: float) -> Posted:
    started = time.monotonic()
    outcome = gateway.post(sms, timeout)
    return Posted(outcome, time.monotonic() - started)
