"""Count why messages are not sent. A batch without such a message costs no call, and any other one more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..domain.mailing import Mailing
from ..domain.message import EXPIRED, Message
from ..domain.reasons import COUNTED, Reason, bounded, counted, reason_of
from ..logs import log, measure
from .send_task import Result

if TYPE_CHECKING:
    from ..adapters.services import Services
    from ..domain.audience_slice import ShardReport

MOST_MAILINGS = 100
"""A sender forgets what it has counted of others."""


class ReasonCounter:
    """Of one sender. It remembers the reasons that it has counted, so that no gateway makes it count any number."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[int, set[Reason]] = {}

    def count(self, mailing: Mailing, results: Iterable[Result]) -> None:
        """Called after the statuses are counted. An error raises an alarm and brings no message back.

        Expired messages are left to the reconciliation round that follows the end of the mailing.
        """
        found = counted(reason_of(result.status, result.error) for result in results if result.status != EXPIRED)
        if not found:
            return
        if mailing.id not in self._known and len(self._known) >= MOST_MAILINGS:
            self._known.clear()
        known = self._known.setdefault(mailing.id, set())
        reasons = bounded(found, known)
        known.update(reasons)
        kept_until = mailing.kept_until(self._services.settings.message_retention_days)
        try:
            self._services.timelines.add_reasons(mailing.id, reasons, kept_until)
        except Exception:
            log.exception("reasons not counted", extra={"mailing_id": mailing.id})
            measure({"SenderErrors": 1})


def take_back_reasons(services: Services, mailing: Mailing, before: Iterable[Message]) -> None:
    """Receipts prove that the gateway has these messages, whatever their status was. An error is logged."""
    found = counted(reason_of(message.status, message.last_error) for message in before)
    if not found:
        return
    kept_until = mailing.kept_until(services.settings.message_retention_days)
    try:
        services.timelines.add_reasons(mailing.id, Counter({one: -found[one] for one in found}), kept_until)
    except Exception:
        log.exception("reasons not taken back", extra={"mailing_id": mailing.id})


def correct_reasons(services: Services, mailing: Mailing, found: ShardReport) -> None:
    """Before the counts of a reconciliation round are written. An error is logged, and stops no mailing from ending."""
    if not found.reasons and not any(getattr(mailing.counts, status) for status in COUNTED):
        return
    kept_until = mailing.kept_until(services.settings.message_retention_days)
    try:
        services.timelines.replace_reasons(mailing.id, found.reasons, kept_until)
    except Exception:
        log.exception("reasons not corrected", extra={"mailing_id": mailing.id})
