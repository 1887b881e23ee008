"""The brake: a mailing pauses by itself while its first attempts mostly get no clear answer from the gateway, or while
the gateway refuses every post for a reason that is not in the message.

Without it a gateway that sends the messages, but answers with something else than its contract, gets each one again and
again. Only first attempts count for that: a second attempt of the same message says nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..texts import Text
from .outcome import Kind

LEAD = 20
"""A mailing pauses when so many more answers are doubtful than clear, since there were as many clear ones.

If three of ten answers are doubtful, chance gives such a lead once in 20 million times (0.3 / 0.7, to the power of 20),
and if six of ten are, it takes a hundred answers. A new sender makes as many posts before it probes (breaker.py).
"""

OUTAGE = timedelta(minutes=10)
"""A gateway that does not answer at all gets this time to recover by itself."""

MOST_REFUSALS = 5
"""A mailing pauses after so many refusals of one kind without an accepted message between them."""

REFUSED_FOR = timedelta(minutes=1)
"""And not before the first of them is so old: a secret that is being renewed, or a payment on its way, pauses nothing.

The posts that are in flight when a secret becomes wrong are refused all at once, so their number alone says little.
"""

REFUSED_KINDS = (Kind.CREDENTIALS, Kind.BALANCE, Kind.SENDER)

REASONS = {
    "mailing.off_contract",
    "mailing.no_clear_answer",
    *(f"mailing.refused_{kind.value}" for kind in REFUSED_KINDS),
}
"""The codes of the reasons of a pause."""


@dataclass(frozen=True)
class Answers:
    """Answers to first attempts. All senders together count them for a mailing, from its first doubtful one on.

    `doubtful`: the gateway may have the message. `off_contract`: those of them that are an answer, and not silence.
    `clear`: all others. `since`: when the first one was counted.
    """

    clear: int = 0
    doubtful: int = 0
    off_contract: int = 0
    since: datetime | None = None

    @property
    def total(self) -> int:
        return self.clear + self.doubtful

    @property
    def begin_anew(self) -> bool:
        """As many answers are clear as doubtful, so these are forgotten."""
        return self.total > 0 and self.doubtful <= self.clear

    def pause_reason(self, now: datetime) -> Text | None:
        """Explains to people why the mailing pauses. Returns None if it does not."""
        if self.off_contract - self.clear >= LEAD:
            return Text("mailing.off_contract", number=self.off_contract, known=self.total)
        if self.doubtful - self.clear >= LEAD and self.since is not None and now - self.since >= OUTAGE:
            minutes = int(OUTAGE.total_seconds() // 60)
            return Text("mailing.no_clear_answer", number=self.doubtful, known=self.total, minutes=minutes)
        return None

    def __add__(self, other: Answers) -> Answers:
        return Answers(
            self.clear + other.clear,
            self.doubtful + other.doubtful,
            self.off_contract + other.off_contract,
            self.since or other.since,
        )


NO_ANSWERS = Answers()


@dataclass(frozen=True)
class Refusals:
    """Refused posts for which no message is the cause, since the last accepted one. Repeated attempts count too.

    All senders together count them for a mailing. The fields are named as the kinds. `since`: when the first one was
    counted.
    """

    credentials: int = 0
    balance: int = 0
    sender: int = 0
    since: datetime | None = None

    def pause_reason(self, now: datetime) -> Text | None:
        """Explains to people why the mailing pauses. Returns None if it does not."""
        if self.since is None or now - self.since < REFUSED_FOR:
            return None
        for kind in REFUSED_KINDS:
            number = getattr(self, kind.value)
            if number >= MOST_REFUSALS:
                return Text(f"mailing.refused_{kind.value}", number=number)
        return None

    def __add__(self, other: Refusals) -> Refusals:
        return Refusals(
            self.credentials + other.credentials,
            self.balance + other.balance,
            self.sender + other.sender,
            self.since or other.since,
        )


NO_REFUSALS = Refusals()


def refusals_of(kind: Kind) -> Refusals:
    """What one outcome of this kind adds."""
    return Refusals(int(kind is Kind.CREDENTIALS), int(kind is Kind.BALANCE), int(kind is Kind.SENDER))
