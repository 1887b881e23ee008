"""A gateway and a mailbox that remember what they got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.email import Email, SentEmail
from chalicelib.domain.outcome import Kind, Outcome
from chalicelib.errors import NotSent, RowChanged
from chalicelib.gateways.answer import Answer, outcome_of_code, seconds_to_wait
from chalicelib.gateways.contract import Contract
from chalicelib.gateways.port import Adapter, Options, Request, Sms

from .fake_clock import LOCK, FakeClock

OF_A_PROVIDER = 299
"""The status of answers that have a kind in their body. No provider is known to use it."""


def answer_of(kind: Kind, retry_after: str | None = None) -> Answer:
    """What a provider answers that has this kind, as AnyKind reads it."""
    return Answer(OF_A_PROVIDER, kind.value, retry_after)


class AnyKind:
    """The answers of an adapter, and one for each kind."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def request(self, sms: Sms, secret: str) -> Request:
        return self._adapter.request(sms, secret)

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        if answer.status != OF_A_PROVIDER:
            return self._adapter.outcome(answer, now)
        return outcome_of_code(Kind(answer.body), answer, answer.body, seconds_to_wait(answer, now))


@dataclass
class Post:
    gateway: str
    sms: Sms
    timeout: float
    at: datetime
    outcome: Outcome

    @property
    def may_be_taken(self) -> bool:
        return self.outcome.sent or self.outcome.in_doubt

    @property
    def message_id(self) -> int:
        return self.sms.id

    @property
    def phone_number(self) -> str:
        return self.sms.phone_number

    @property
    def text(self) -> str:
        return self.sms.text


class FakeGateway:
    """Gets the `answers` one after the other, and `default_answer` after the last. `adapter` reads them.

    Without an adapter it is that of the contract. `answer_at`: what answers instead, by the name of the gateway.
    `accepted` counts how often each message was accepted, by all gateways together.
    """

    OK = Answer(200, '{"code": 0, "message": "OK"}')

    def __init__(self, clock: FakeClock, adapter: Adapter | None = None) -> None:
        self.clock = clock
        self.adapter = AnyKind(adapter or Contract(Options("https://sms.example.com")))
        self.posts: list[Post] = []
        self.answers: list[Answer] = []
        self.default_answer = self.OK
        self.answer_at: dict[str, Callable[[Sms], Answer]] = {}
        self.accepted: Counter[int] = Counter()
        self.while_posting: Callable[[], None] = lambda: None

    def prepare(self, name: str | None = None) -> None: ...

    def post(self, name: str, sms: Sms, timeout: float) -> Outcome:
        with LOCK:
            now, answer_at = self.clock.now(), self.answer_at.get(name)
            answer = answer_at(sms) if answer_at else self.next_answer(sms.id)
            outcome = self.adapter.outcome(answer, now)
            self.posts.append(Post(name, sms, timeout, now, outcome))
            self.accepted[sms.id] += outcome.sent
        self.while_posting()
        return outcome

    def next_answer(self, message_id: int) -> Answer:
        return self.answers.pop(0) if self.answers else self.default_answer


class FakeMailbox:
    """Sends from `verified` addresses only, as SES does. `after_sending` may raise, as if the process died there."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.verified: set[str] = set()
        self.sent: list[Email] = []
        self.kept: list[SentEmail] = []
        self.after_sending: Callable[[], None] = lambda: None

    def verify(self, address: str) -> None:
        self.verified.add(address)

    def send(self, email: Email) -> None:
        if email.sender not in self.verified:
            raise NotSent("Email address is not verified.")
        self.sent.append(email)
        at = self.clock.now()
        content = (email.sender, email.recipients, email.subject, email.html, email.text)
        self.kept.insert(0, SentEmail(at, *content))
        self.after_sending()

    def emails(self) -> list[SentEmail]:
        return list(self.kept)


class FakeReports:
    def __init__(self) -> None:
        self.claimed: set[str] = set()
        self.sent: set[str] = set()

    def claim(self, name: str, now: datetime, until: datetime) -> None:
        with LOCK:
            if name in self.claimed:
                raise RowChanged
            self.claimed.add(name)

    def unclaim(self, name: str) -> None:
        self.claimed.discard(name)

    def mark_sent(self, name: str, now: datetime) -> None:
        self.sent.add(name)

    def is_claimed(self, name: str) -> bool:
        return name in self.claimed

    def is_sent(self, name: str) -> bool:
        return name in self.sent
