"""What came of a mailing: the gateway's memory, the statistics, and the rows themselves, compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.tables.base import bind_table
from chalicelib.adapters.tables.messages import MessageRow
from chalicelib.domain.message import SENT, STATUSES
from chalicelib.domain.rate import BURST
from infra.local.arrivals import arrivals, most_in_a_second
from infra.local.deployment import STACK_NAME

from .field import NEW_TEXT, Campaign


@dataclass(frozen=True)
class Verdict:
    """`lost`: clients who neither have it nor were given up for the reason that the scenario has.

    `unrecorded`: the gateway has them, but the answer came too late for us: given up in doubt.
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


def audit(campaign: Campaign, stats: dict[str, Any], may_end: frozenset[str], recovered_in: float) -> Verdict:
    """`may_end`: the statuses in which a client's message may rightly end in this scenario."""
    seen = campaign.ground.simulator.seen
    rows = _rows(campaign.mailing["id"])
    statuses = dict.fromkeys(STATUSES, 0) | Counter(rows.values())
    sent = {message_id for message_id, status in rows.items() if status == SENT}
    given_up = {message_id for message_id, status in rows.items() if status in may_end - {SENT}}
    reached = sent & set(seen.accepted)
    counts = {"total": len(rows), **statuses}
    return Verdict(
        clients=campaign.ground.clients,
        posts=seen.requests,
        repeated=seen.accepted.total() - len(seen.accepted),
        may_repeat=campaign.may_repeat,
        lost=campaign.ground.clients - len(reached) - len(given_up),
        outside=_outside(campaign),
        unrecorded=len(set(seen.accepted) - sent),
        is_counted=bool(stats["ended_at"]) and stats["messages"] == counts,
        recovered_in=recovered_in,
    )


def _rows(mailing_id: int) -> dict[int, str]:
    """Statuses by message id, read from the messages table without the service."""
    bind_table(MessageRow, STACK_NAME, "messages")
    rows = MessageRow.scan(MessageRow.part.startswith(f"{mailing_id}#"), consistent_read=True)
    return {message.id: message.status for message in (row.message(shards=1) for row in rows)}


def _outside(campaign: Campaign) -> int:
    """Posts that came to the gateway when they might not, faster, or with a text that had been changed before."""
    end = datetime.fromisoformat(campaign.mailing["datetime_end"])
    forbidden = [*campaign.forbidden, (end, None)]
    wrong = 0
    for message in campaign.ground.simulator.seen.messages.values():
        for time, text in zip(message["times"], message["texts"], strict=True):
            at = datetime.fromisoformat(time)
            is_late = any(since <= at < (until or datetime.max.replace(tzinfo=UTC)) for since, until in forbidden)
            is_old = campaign.new_text_from is not None and at >= campaign.new_text_from and text != NEW_TEXT
            wrong += is_late or is_old
    return wrong + _too_many(campaign)


def _too_many(campaign: Campaign) -> int:
    """By how many posts the busiest second was above the limit and its burst."""
    if campaign.rate is None:
        return 0
    busiest = most_in_a_second(arrivals(campaign.ground.simulator.seen))
    return max(0, busiest - int(campaign.rate * (1 + BURST)) - 1)
