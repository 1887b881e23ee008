"""A stop: a phone number on the stop list. Nothing is sent to it, whether or not a client has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BY_API, BY_CONSOLE, BY_IMPORT = "api", "console", "import"
BY_GATEWAY, BY_RECIPIENT, BY_MOVE = "gateway", "recipient", "moved"
SOURCES = (BY_API, BY_CONSOLE, BY_IMPORT, BY_GATEWAY, BY_RECIPIENT, BY_MOVE)
"""By what a number came onto the list: a program, a person in the console, a file, an answer of the gateway, a message
of the recipient, or a client on the list that got this number."""

MAX_REASON = 100
"""Characters."""

YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
MAX_MICROSECONDS = (datetime.max.replace(tzinfo=UTC) - YEAR_1) // timedelta(microseconds=1)

Position = tuple[int, ...]
"""Of a stop in the list: the microseconds since year 1 of its time, and its phone number."""

FIRST_POSITION: Position = (0, 0)


@dataclass(frozen=True)
class StopCause:
    """`source`: one of SOURCES; None for a stop that an earlier version wrote. `reason`: for people, never blank."""

    source: str | None = None
    reason: str | None = None


UNKNOWN_CAUSE, MOVE_CAUSE = StopCause(), StopCause(BY_MOVE)


@dataclass(frozen=True)
class Stop:
    """`client_id`: the client that has the number, if any."""

    phone_number: str
    opted_out_at: datetime
    source: str | None = None
    reason: str | None = None
    client_id: int | None = None

    @property
    def cause(self) -> StopCause:
        return StopCause(self.source, self.reason)

    @property
    def position(self) -> Position:
        return (self.opted_out_at - YEAR_1) // timedelta(microseconds=1), int(self.phone_number)


def moment_at(microseconds: int) -> datetime:
    """The time of a position."""
    return YEAR_1 + timedelta(microseconds=microseconds)
