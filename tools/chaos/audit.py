"""The result of an experiment: the gateway's records, the statistics and the rows of the messages, compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.clock import Clock
from chalicelib.adapters.tables.base import bind_table
from chalicelib.adapters.tables.message_row import MessageRow
from chalicelib.domain.message import SENT, STATUSES
from chalicelib.domain.rate import BURST
from infra.local.arrivals import arrivals, most_in_a_second
from infra.local.deployment import STACK_NAME

from .experiment import NEW_TEXT, Experiment


@dataclass(frozen=True)
class Verdict:
    """`lost` counts clients that did not get the message, or not in time, although the scenario does not allow it.

    `outside` counts posts that were not allowed. `unrecorded` counts messages that the gateway accepted and whose
    answer the service did not record.
    """

    clients: int
    posts: int
    repeated: int
    may_repeat: int
    lost: int
    outside: int
    unrecorded: int
    is_counted: bool
    recovered_in: float

    @property
    def is_good(self) -> bool:
        return (
            not self.lost
            and not self.outside
            and self.is_counted
            and self.repeated + self.unrecorded <= self.may_repeat
        )


def audit(experiment: Experiment, stats: dict[str, Any], may_end: frozenset[str], recovered_in: float) -> Verdict:
    """`may_end` has the allowed final statuses of the scenario, beside sent."""
    seen = experiment.target.simulator.seen
    rows = _rows(experiment.mailing["id"])
    statuses = dict.fromkeys(STATUSES, 0) | Counter(rows.values())
    sent = {message_id for message_id, status in rows.items() if status == SENT}
    given_up = {message_id for message_id, status in rows.items() if status in may_end - {SENT}}
    reached = sent & set(seen.accepted)
    counts = {"total": len(rows), **statuses}
    return Verdict(
        clients=experiment.target.clients,
        posts=seen.requests,
        repeated=seen.accepted.total() - len(seen.accepted),
        may_repeat=experiment.may_repeat,
        lost=experiment.target.clients - len(reached) - len(given_up) + experiment.late,
        outside=_outside(experiment),
        unrecorded=len(set(seen.accepted) - sent),
        is_counted=bool(stats["ended_at"]) and stats["messages"] == counts,
        recovered_in=recovered_in,
    )


def _rows(mailing_id: int) -> dict[int, str]:
    """Statuses by message id, read from the messages table without the service."""
    bind_table(MessageRow, STACK_NAME, Clock())
    rows = MessageRow.scan(MessageRow.part.startswith(f"{mailing_id}#"), consistent_read=True)
    return {message.id: message.status for message in (row.message(shards=1) for row in rows)}


def _outside(experiment: Experiment) -> int:
    """Posts at a forbidden time, above the rate or the limit, or with a text that was already replaced."""
    end = datetime.fromisoformat(experiment.mailing["datetime_end"])
    forbidden = [*experiment.forbidden, (end, None)]
    count = 0
    for message in experiment.target.simulator.seen.messages.values():
        for time, text in zip(message["times"], message["texts"], strict=True):
            at = datetime.fromisoformat(time)
            is_late = any(since <= at < (until or datetime.max.replace(tzinfo=UTC)) for since, until in forbidden)
            is_old = experiment.new_text_from is not None and at >= experiment.new_text_from and text != NEW_TEXT
            count += is_late or is_old
    return count + _above_rate(experiment) + _above_limit(experiment)


def _above_limit(experiment: Experiment) -> int:
    """The number of posts to clients beyond the limit of posts to one client."""
    if experiment.most_posts is None:
        return 0
    messages = experiment.target.simulator.seen.messages.values()
    return sum(max(0, len(message["times"]) - experiment.most_posts) for message in messages)


def _above_rate(experiment: Experiment) -> int:
    """The number of posts in the busiest second above the limit and its burst."""
    if experiment.rate is None:
        return 0
    busiest = most_in_a_second(arrivals(experiment.target.simulator.seen))
    return max(0, busiest - int(experiment.rate * (1 + BURST)) - 1)
