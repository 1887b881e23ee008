"""What the outcome of a post means for its message: the settlement of the attempt, and the result of its task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.backoff import delay_after_doubt, retry_delay
from ..domain.brake import NO_ANSWERS, Answers
from ..domain.mailing import Mailing
from ..domain.message import FAILED, SENT, UNKNOWN, Message, Settlement
from ..domain.outcome import Kind, Outcome
from ..domain.routes import Leg
from ..texts import Text
from .rate_limits import limits_of
from .send_task import Result

if TYPE_CHECKING:
    from ..adapters.services import Services


METRICS = {
    Kind.CREDENTIALS: "GatewayRefusedToken",
    Kind.BALANCE: "InsufficientBalance",
    Kind.SENDER: "GatewayRefusedSender",
}
"""The metrics of messages that wait because of refusals that are not of the message. All others are `Retried`."""


def conclude(
    services: Services, mailing: Mailing, message: Message, outcome: Outcome, backlog: float, leg: Leg
) -> tuple[Settlement, Result]:
    """`message`: as claimed, with its `posted_at`. `backlog`: as for Posting.

    Before the last gateway a clear failure moves the message to the next one: soon after its first attempt there, later
    after the usual delay, because the gateways behind it are held back or have failed too.
    """
    moves_on = leg.moves_on(outcome)
    status = None if moves_on else _final_status(services, message, outcome)
    if status is None:
        failure = METRICS.get(outcome.kind, "Retried")
        least = _least_delay(services, mailing, message, outcome, backlog, moves_on)
        attempts = 1 if moves_on and leg.is_first else message.recent_attempts
        result = Result(delay=retry_delay(attempts, services.clock.jitter(), least), failure=failure)
        return Settlement(message, None, outcome.reason, outcome.in_doubt), result
    reason = outcome.reason if status != UNKNOWN else doubts_reason(message.doubts, outcome.reason)
    parts, cost = (message.parts, message.cost) if status == SENT else (0, 0)
    result = Result(
        status, error=reason, timezone=message.timezone, posted_at=message.posted_at, parts=parts, cost=cost
    )
    return Settlement(message, status, reason), result


def doubts_reason(doubts: int, last: Text | None) -> Text | None:
    """Why a message is unknown after so many attempts in doubt. `last`: the reason of the last one."""
    return Text("message.doubts", number=doubts, last=last) if last is not None and doubts > 1 else last


def answers_of(outcome: Outcome) -> Answers:
    """A post that did not reach the gateway has no answer."""
    if outcome.never_sent:
        return NO_ANSWERS
    return Answers(int(not outcome.in_doubt), int(outcome.in_doubt), int(outcome.is_off_contract))


def _final_status(services: Services, message: Message, outcome: Outcome) -> str | None:
    """Returns None if the message is to be posted again.

    That is safe if the gateway certainly does not have the message, or accepts each message id once. A gateway may
    not do what the setting says, so the number of attempts that end in doubt has a limit.
    """
    if outcome.sent:
        return SENT
    if not outcome.retryable:
        return FAILED
    most = services.settings.most_doubts(message.gateway)
    return UNKNOWN if outcome.in_doubt and message.doubts >= most else None


def _least_delay(
    services: Services, mailing: Mailing, message: Message, outcome: Outcome, backlog: float, moves_on: bool
) -> float:
    """In seconds. A retry waits behind the messages that wait for their first attempt, and longer before the last
    attempts that may end in doubt. A gateway that asks to wait does not delay the message at the next gateway.

    A mailing with a rate limit delays its messages by itself. At most half of the time before the end is spent.
    """
    settings, clock = services.settings, services.clock
    least = 0.0 if limits_of(settings, mailing) is not None else backlog
    if outcome.in_doubt:
        least = max(least, delay_after_doubt(settings.most_doubts(message.gateway) - message.doubts))
    least = min(least, (mailing.datetime_end - clock.now()).total_seconds() / 2)
    return least if moves_on else max(least, outcome.retry_after or 0.0)
