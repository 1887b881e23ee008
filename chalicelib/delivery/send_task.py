"""A queue message of the send queue as a task of the sender, and the result of that task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..domain.brake import NO_ANSWERS, NO_REFUSALS, Answers, Refusals
from ..domain.jobs import ReceivedMessage
from ..domain.message import message_id
from ..texts import Text


@dataclass(frozen=True)
class SendTask:
    received: ReceivedMessage
    mailing_id: int
    client_id: int

    @property
    def log_keys(self) -> dict[str, int]:
        return {
            "mailing_id": self.mailing_id,
            "client_id": self.client_id,
            "message_id": message_id(self.mailing_id, self.client_id),
        }


@dataclass(frozen=True)
class Result:
    """`status`: the final status that the task wrote. `delay`: seconds until the task is repeated; None if it is done.

    `awaits_feed`: the rate limit has no permit for it soon, so its row waits without a queue message.
    `failure`: the metric that counts the reason for the repetition. `posted_at`: when the post of a final status began.
    `was_posted`: the gateway was called, for so many `milliseconds`. `answers`: its answer, if this was the first
    attempt. `refusals`: its answer, if no message is the cause. `in_doubt`: the gateway may have the message.
    `error`: why the message has that status, if it is not sent. `timezone`: the one in its row, with a final status.
    `parts` and `cost`: of the text, if the gateway has taken it. `over_limit`: the cost of the message, if a limit left
    no room for it.
    """

    status: str | None = None
    delay: int | None = None
    awaits_feed: bool = False
    failure: str | None = None
    error: Text | None = None
    timezone: str | None = None
    posted_at: datetime | None = None
    was_posted: bool = False
    milliseconds: int = 0
    answers: Answers = NO_ANSWERS
    refusals: Refusals = NO_REFUSALS
    in_doubt: bool = False
    parts: int = 0
    cost: int = 0
    over_limit: int = 0

    @property
    def metric(self) -> str | None:
        return self.status.capitalize() if self.status else self.failure


DONE = Result()
