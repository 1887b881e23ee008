"""Why messages of a mailing were not sent, by reason and number, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.mailing import Mailing
from ..domain.message import RESENDABLE
from ..domain.reasons import COUNTED, Reason, bounded
from ..domain.resends import order
from ..errors import NotFound

if TYPE_CHECKING:
    from ..adapters.services import Services


def failures_of(services: Services, mailing: Mailing) -> list[tuple[Reason, int]]:
    """The most frequent first. Reads nothing while no message has failed.

    Empty for a mailing that ended before reasons were counted. While a mailing runs, its last batches may be missing.
    """
    if not any(getattr(mailing.counts, status) for status in COUNTED):
        return []
    found = bounded(services.timelines.reasons(mailing.id))
    return [(reason, number) for reason, number in found.most_common() if number > 0]


def failure_named(services: Services, mailing: Mailing, key: str) -> tuple[Reason, int]:
    """The reason with this key, and its number. Raises NotFound, also for the sum of other reasons."""
    for reason, number in failures_of(services, mailing):
        if reason.key == key and reason.is_exact:
            return reason, number
    raise NotFound


def order_named(services: Services, mailing: Mailing, key: str) -> str:
    """The order to send again the messages with this reason. Raises NotFound."""
    reason, _ = failure_named(services, mailing, key)
    if reason.status not in RESENDABLE:
        raise NotFound
    return order(reason.status, reason.text)
