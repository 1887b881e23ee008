"""The brake: a mailing pauses by itself while most of its first attempts get no clear answer from the gateway.

Without it a gateway that sends the messages, but answers with something else than its contract, gets each one again and
again. Only first attempts count: a second attempt of the same message says nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..texts import Text

LEAD = 20
"""A mailing pauses when so many more answers are doubtful than clear, since there were as many clear ones.

If three of ten answers are doubtful, chance gives such a lead once in 20 million times (0.3 / 0.7, to the power of 20),
and if six of ten are, it takes a hundred answers. A new sender makes as many posts before it probes (breaker.py).
"""

OUTAGE = timedelta(minutes=10)
"""A gateway that does not answer at all gets this time to recover by itself."""

REASONS = {"mailing.off_contract", "mailing.no_clear_answer"}
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
