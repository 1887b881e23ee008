"""The result of an experiment: the gateway's records, the statistics and the rows of the messages, compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.clock import Clock
from chalicelib.adapters.tables.base import bind_table
from chalicelib.adapters.tables.message_row import MessageRow
from chalicelib.domain.message import SENT, STATUSES, UNKNOWN
from chalicelib.domain.rate import BURST
from infra.local.arrivals import arrivals, most_in_a_second
from infra.local.deployment import STACK_NAME
from infra.local.simulator import Simulator

from .experiment import NEW_TEXT, Experiment, Target


@dataclass(frozen=True)
class Verdict:
    """`lost` counts clients that did not get the message, or not in time, although the scenario does not allow it.

    `outside` counts posts that were not allowed. `unrecorded` counts messages that the gateway accepted and whose
    answer the service did not record. `may_repeat`: posts in flight when senders were killed.

    `dedupes`: the gateway may get an id twice. Otherwise nothing may be repeated, and messages in doubt are `unknown`:
    at most those in flight and those without a clear answer, `unclear`.
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
    dedupes: bool = True
    unknown: int = 0
    unclear: int = 0

    @property
    def allowed(self) -> int:
        """The most messages that may be repeated or in doubt."""
        return self.may_repeat if self.dedupes else self.may_repeat + self.unclear

    @property
    def in_doubt(self) -> int:
        return self.unrecorded if self.dedupes else self.unrecorded + self.unknown

    @property
    def is_good(self) -> bool:
        if self.lost or self.outside or not self.is_counted:
            return False
        if self.dedupes:
            return self.repeated + self.unrecorded <= self.allowed
        return not self.repeated and not self.unrecorded and self.unknown <= self.allowed


def audit(experiment: Experiment, stats: dict[str, Any], may_end: frozenset[str], recovered_in: float) -> Verdict:
    """`may_end` has the allowed final statuses of the scenario, beside sent."""
    target = experiment.target
    rows = _rows(experiment.mailing["id"])
    ended = {SENT} if target.dedupes else {SENT, UNKNOWN}
    counts = {"total": len(rows), **dict.fromkeys(STATUSES, 0), **Counter(rows.values())}
    accepted = _accepted(target)
    reached = sum(1 for client_id in accepted if rows.get(client_id) == SENT)
    given_up = sum(1 for status in rows.values() if status in (may_end | ended) - {SENT})
    return Verdict(
        clients=target.clients,
        posts=target.posts,
        repeated=accepted.total() - len(accepted),
        may_repeat=experiment.may_repeat,
        lost=target.clients - reached - given_up + experiment.late,
        outside=_outside(experiment),
        unrecorded=sum(1 for client_id in accepted if rows.get(client_id) not in ended),
        is_counted=bool(stats["ended_at"]) and stats["messages"] == counts,
        recovered_in=recovered_in,
        dedupes=target.dedupes,
        unknown=counts[UNKNOWN],
        unclear=sum(simulator.seen.unclear for simulator in target.simulators),
    )


def _rows(mailing_id: int) -> dict[int, str]:
    """Statuses by client id, read from the messages table without the service."""
    bind_table(MessageRow, STACK_NAME, Clock())
    rows = MessageRow.scan(MessageRow.part.startswith(f"{mailing_id}#"), consistent_read=True)
    return {message.client_id: message.status for message in (row.message(shards=1) for row in rows)}


def _accepted(target: Target) -> Counter[int]:
    """How often the gateways accepted a message, by client id."""
    return sum((_accepted_by(target, simulator) for simulator in target.simulators), Counter())


def _accepted_by(target: Target, simulator: Simulator) -> Counter[int]:
    """Many providers take no message id, so the phone number counts."""
    seen = simulator.seen
    by_client: Counter[int] = Counter()
    for message_id, times in seen.accepted.items():
        by_client[target.client_of(seen.phones[message_id])] += times
    return by_client


def _at_both(target: Target) -> int:
    """The number of clients whose message both gateways accepted: it may be repeated at one of them only."""
    at_each = [set(_accepted_by(target, simulator)) for simulator in target.simulators]
    return len(set.intersection(*at_each)) if len(at_each) > 1 else 0


def _outside(experiment: Experiment) -> int:
    """Posts at a forbidden time, above the rate or the limit, with a replaced text, or of a message to two gateways."""
    end = datetime.fromisoformat(experiment.mailing["datetime_end"])
    forbidden = [*experiment.forbidden, (end, None)]
    count = 0
    for message in _messages(experiment):
        for time, text in zip(message["times"], message["texts"], strict=True):
            at = datetime.fromisoformat(time)
            is_late = any(since <= at < (until or datetime.max.replace(tzinfo=UTC)) for since, until in forbidden)
            is_old = experiment.new_text_from is not None and at >= experiment.new_text_from and text != NEW_TEXT
            count += is_late or is_old
    return count + _above_rate(experiment) + _above_limit(experiment) + _at_both(experiment.target)


def _messages(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """The accepted posts of all gateways."""
    for simulator in experiment.target.simulators:
        yield from simulator.seen.messages.values()


def _above_limit(experiment: Experiment) -> int:
    """The number of posts to clients beyond the limit of posts to one client."""
    if experiment.most_posts is None:
        return 0
    return sum(max(0, len(message["times"]) - experiment.most_posts) for message in _messages(experiment))


def _above_rate(experiment: Experiment) -> int:
    """The number of posts in the busiest second above the limit and its burst."""
    if experiment.rate is None:
        return 0
    moments = [moment for simulator in experiment.target.simulators for moment in arrivals(simulator.seen)]
    busiest = most_in_a_second(moments)
    return max(0, busiest - int(experiment.rate * (1 + BURST)) - 1)
