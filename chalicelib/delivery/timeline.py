"""Keep samples of the counts of mailings, from which people see how a mailing goes on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ..domain.mailing import Mailing
from ..domain.timeline import needs_sample, sample_of
from ..logs import log

if TYPE_CHECKING:
    from ..adapters.services import Services


def keep_sample(services: Services, mailing: Mailing, now: datetime) -> None:
    """Called once a minute for each open mailing. An error is logged: it delays no step of the sweep."""
    if not needs_sample(mailing, now):
        return
    _keep(services, mailing, now)


def keep_last_sample(services: Services, mailing: Mailing) -> None:
    """Of a mailing that has ended and can go on, because a short one has no other: it would begin with the resend."""
    if mailing.ended_at is not None and mailing.counts.resendable:
        _keep(services, mailing, mailing.ended_at)


def _keep(services: Services, mailing: Mailing, at: datetime) -> None:
    try:
        kept_until = mailing.kept_until(services.settings.message_retention_days)
        services.timelines.keep_sample(mailing.id, sample_of(mailing, at), kept_until)
    except Exception:
        log.exception("sample not kept")
